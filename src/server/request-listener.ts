import type { IncomingMessage, ServerResponse } from 'node:http'
import { invalid } from '../base/invalid.js'

/** What Node's `createServer` takes, and a route of most frameworks. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

/**
 * An endpoint that an application mounts. Throws `invalid` if it is given a framework's request or reply instead of
 * Node's. It throws inside the route, where the framework answers 500 with that text.
 */
export function mountable(endpoint: RequestListener): RequestListener {
  return (request, response) => {
    if (typeof request?.on !== 'function' || typeof response?.writeHead !== 'function')
      throw invalid(
        "An endpoint takes Node's own request and response. In Fastify: reply.hijack(), then hand it request.raw and reply.raw",
      )
    endpoint(request, response)
  }
}
