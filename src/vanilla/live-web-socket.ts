import { tokens } from '../tokens/tokens.js'
import { CoreWebSocket } from './core-web-socket.js'

/**
 * The WebSocket interface over a LiveSocket that hands over from server to server underneath: a drop-in replacement for
 * `WebSocket` and for reconnecting-websocket. A planned handover causes no event, unless only the application knows how
 * to greet the new server (see `words`). A break is a `close` event and, unless `once`, an `open` event later.
 */
export class LiveWebSocket extends CoreWebSocket {
  static override readonly parts = { tokens }
}

export type { LiveWebSocketOptions, UrlProvider } from './core-web-socket.js'
