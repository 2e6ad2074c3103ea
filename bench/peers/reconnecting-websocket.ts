import ReconnectingWebSocket from 'reconnecting-websocket'
import { plain } from './plain.js'

// The package is CommonJS with a `default` export of its own, and Node imports the whole module object.
const Socket = ((ReconnectingWebSocket as unknown as { default?: unknown }).default ??
  ReconnectingWebSocket) as typeof import('reconnecting-websocket').default

export const peer = plain((url, WebSocket) => new Socket(url, [], { WebSocket }))
