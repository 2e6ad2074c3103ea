import ReconnectingWebSocket from 'partysocket/ws'
import { plain } from './plain.js'

export const peer = plain((url, WebSocket) => new ReconnectingWebSocket(url, [], { WebSocket }))
