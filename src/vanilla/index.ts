export { LiveWebSocket, type LiveWebSocketOptions, type UrlProvider } from './live-web-socket.js'
export { bind, type BindOptions } from './bind.js'
export { CoreWebSocket } from './core-web-socket.js'
export type { LiveConnection } from '../socket/live-connection.js'
