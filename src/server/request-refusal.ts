import { Refused } from './refused.js'

/** Throw it in a handler of `onRequest` to refuse the request; the client is told why. See `Refused`. */
export class RequestRefused extends Refused {
  override readonly name = 'RequestRefused'
}
