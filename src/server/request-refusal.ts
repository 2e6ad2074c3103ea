import { Refused } from './refused.js'

/** Thrown by a handler of `onRequest`: the request is refused, and the client is told why. See `Refused`. */
export class RequestRefused extends Refused {
  override readonly name = 'RequestRefused'
}
