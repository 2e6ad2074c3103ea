import type { LiveSocketOptions, TopicTypes } from './options/options.js'
import type { Parts } from './options/parts.js'
import { LACKING } from './protocol/lacking.js'
import type { MethodTypes } from './protocol/method-types.js'
import { assembleLiveSocket, type CoreSocket } from './socket/live-socket.js'
import { noTokens } from './tokens/no-tokens.js'
import { livesocketV1 } from './topics/livesocket-v1.js'

/**
 * As `createLiveSocket` of `livesocket`, in less code: it has the parts that it is given, and `fold` and `stream` are
 * functions that take the socket. An option whose part is missing is `invalid`.
 *
 * ```ts
 * import { createLiveSocket, fold, tokens } from 'livesocket/core'
 *
 * const socket = createLiveSocket({ url: '/live', getToken }, { tokens })
 * const board = fold(socket, 'board', reducer, initial)
 * ```
 */
export function createLiveSocket<Topics extends object = TopicTypes, Methods extends object = MethodTypes>(
  options: LiveSocketOptions<Topics>,
  parts: Parts = {},
): CoreSocket<Topics, Topics, Methods> {
  return assembleLiveSocket<Topics, Topics, Methods>(options, {
    protocol: livesocketV1,
    noTokens,
    ...parts,
    requests: parts.requests ?? LACKING.requests,
    signals: parts.signals ?? LACKING.signals,
  })
}

export { requests } from './requests/requests.js'
export { signals } from './signals/signals.js'
export { schemas } from './options/schemas.js'
export { tokens } from './tokens/tokens.js'
export { fold, stream } from './socket/reading.js'
export { livesocketV1 } from './topics/livesocket-v1.js'
export { LiveSocketError } from './base/errors.js'
export type { Parts } from './options/parts.js'
export type { CoreSocket } from './socket/live-socket.js'
