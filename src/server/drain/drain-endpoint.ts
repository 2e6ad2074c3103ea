import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LiveSocketError } from '../../base/errors.js'
import { isFields, type Fields } from '../../protocol/fields.js'
import type { Drain } from './drain.js'
import type { DrainOptions } from './drain-options.js'
import { invalid } from '../../base/invalid.js'
import { mountable, type RequestListener } from '../request-listener.js'

const SHORTEST_SECRET = 16
/**
 * A value that HTTP clients and servers pass on unchanged: spaces at the ends of a header's value are trimmed on the
 * way.
 */
const FITS_A_HEADER = /^[!-~]([ -~]*[!-~])?$/
const LARGEST_BODY = 4 * 1024
const FIELDS = ['rate', 'deadline', 'url', 'reason', 'spread', 'endWhenAlone', 'extendable', 'wait', 'cancel']

/**
 * The endpoint that a deploy tool calls on the old slot: `POST` with `Authorization: Bearer <secret>`, and an optional
 * JSON body with `rate`, `deadline`, `url`, `reason`, `spread`, `endWhenAlone` and `extendable`, as `drain` takes them.
 * It answers 202 at once with `legs`, their number, and `takes`, the milliseconds until all have left at the rate at
 * which they leave; null if none leaves. With `wait: true` it answers 200 with the result at the end. `cancel: true`
 * cancels the drain. Throws `invalid` for a secret that is too short, or that cannot be sent in a header.
 */
export function createDrainEndpoint(drain: Drain, secret: string): RequestListener {
  if (typeof secret !== 'string' || secret.length < SHORTEST_SECRET) {
    throw invalid(`The secret of a drain endpoint must have at least ${SHORTEST_SECRET} characters`)
  }
  if (!FITS_A_HEADER.test(secret)) {
    throw invalid(
      'The secret of a drain endpoint must consist of ASCII characters, without blanks or line breaks at its ends: no Authorization header can contain another one. Was it read from a file with a newline at its end?',
    )
  }
  const expected = digest(secret)

  async function serve(request: IncomingMessage, response: ServerResponse) {
    if (request.method !== 'POST') return answer(response, 405, { error: 'POST only' }, { Allow: 'POST' })
    if (!bears(request, expected))
      return answer(response, 401, { error: 'A valid bearer token is needed' }, { 'WWW-Authenticate': 'Bearer' })
    const body = await bodyOf(request)
    if (body === 'taken')
      return answer(response, 400, {
        error:
          "The body was read before it came here: hand it over as request.body of Node's own request, in Fastify by request.raw.body = request.body, or mount this before whatever reads bodies",
      })
    if (body === 'too large')
      return answer(
        response,
        413,
        { error: `The body must have at most ${LARGEST_BODY} bytes` },
        { Connection: 'close' },
      )
    const fields = body === null ? null : fieldsOf(body)
    if (!fields)
      return answer(response, 400, {
        error: `The body must be a JSON object with none but ${FIELDS.join(', ')}${isCalledForm(request) ? '. Send Content-Type: application/json: as a form a parser may have taken it apart' : ''}`,
      })
    const { wait, cancel, ...options } = fields
    if (cancel) return answer(response, 200, { cancelled: drain.cancel() })
    try {
      const result = drain.start(options as DrainOptions)
      if (!wait) return answer(response, 202, { legs: drain.left, takes: drain.takes && Math.ceil(drain.takes) })
      answer(response, 200, await result)
    } catch (error) {
      if (!(error instanceof LiveSocketError)) throw error
      answer(response, 400, { error: error.message })
    }
  }

  return mountable((request, response) => {
    serve(request, response).catch(() => {
      // The request was aborted, so there is nobody to answer.
      response.destroy()
    })
  })
}

/** Digests have equal length, and are compared in constant time, which does not reveal where they differ. */
function bears(request: IncomingMessage, expected: Buffer): boolean {
  const header = request.headers.authorization ?? ''
  return timingSafeEqual(digest(header.slice(0, 7).toLowerCase() === 'bearer ' ? header.slice(7) : ''), expected)
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Null: the body is not JSON. `taken`: something else has read it and not kept it in `request.body`. */
async function bodyOf(request: IncomingMessage & { body?: unknown }): Promise<unknown> {
  // A body parser that ran first sets `body` even if it left the stream alone, as for a content type that it does not
  // parse.
  if (request.readableDidRead)
    return request.body === undefined ? (empty(request) ? {} : 'taken') : parsed(request.body)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > LARGEST_BODY) return 'too large'
    chunks.push(chunk as Buffer)
  }
  return parsed(Buffer.concat(chunks))
}

/** The content type that curl sends unless told otherwise. */
function isCalledForm({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
}

function empty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

/** Body parsers give an object, a text, or its bytes. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body
  const text = body.toString().trim()
  if (text === '') return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

function fieldsOf(body: unknown): Fields | null {
  if (!isFields(body) || Object.keys(body).some((name) => !FIELDS.includes(name))) return null
  const flags = [body['wait'], body['cancel']]
  return flags.every((flag) => flag === undefined || typeof flag === 'boolean') ? body : null
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers })
  response.end(`${JSON.stringify(body)}\n`)
}
