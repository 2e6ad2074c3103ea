import { plain } from './plain.js'

/** No library: the baseline for the others. */
export const peer = plain((url, WebSocket) => new (WebSocket as new (url: string) => globalThis.WebSocket)(url))
