import { Refused } from '../refused.js'

/** Thrown by `onPublish`: the publish is refused, and the client is told why. See `Refused`. */
export class PublishRefused extends Refused {
  override readonly name = 'PublishRefused'
}
