import { tokens } from '../tokens/tokens.js'
import { CoreWebSocket } from './core-web-socket.js'

/**
 * The WebSocket interface over a LiveSocket, which hands over from server to server underneath it: a drop-in for
 * `WebSocket` and for reconnecting-websocket. A planned handover is no event of it, unless only the application knows
 * how the new server is to be greeted (see `words`); a break is a `close` and, unless `once`, an `open` later.
 */
export class LiveWebSocket extends CoreWebSocket {
  static override readonly parts = { tokens }
}

export type { LiveWebSocketOptions, UrlProvider } from './core-web-socket.js'
