import { Refused } from '../refused.js'

/** Throw it in `onPublish` to refuse the publish; the client is told why. See `Refused`. */
export class PublishRefused extends Refused {
  override readonly name = 'PublishRefused'
}
