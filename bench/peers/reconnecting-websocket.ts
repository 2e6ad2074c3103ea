import ReconnectingWebSocket from 'reconnecting-websocket'
import { plain } from './plain.js'

// Its module is CommonJS with a default of its own: Node gives the whole of it.
const Socket = ((ReconnectingWebSocket as unknown as { default?: unknown }).default ??
  ReconnectingWebSocket) as typeof import('reconnecting-websocket').default

export const peer = plain((url, WebSocket) => new Socket(url, [], { WebSocket }))
