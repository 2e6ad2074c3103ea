import { LiveWebSocket } from 'livesocket/vanilla'
import { plain } from './plain.js'

export const peer = plain((url, WebSocket) => new LiveWebSocket(url, undefined, { environment: { WebSocket } }))
