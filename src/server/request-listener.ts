import type { IncomingMessage, ServerResponse } from 'node:http'

/** What `createServer` of Node takes, and a route of most frameworks. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void
