import { plain } from './plain.js'

/** No library: what the others are measured against. */
export const peer = plain((url, WebSocket) => new (WebSocket as new (url: string) => globalThis.WebSocket)(url))
