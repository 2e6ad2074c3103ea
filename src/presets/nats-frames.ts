import { explain } from '../base/explanation.js'
import type { WireData } from '../protocol/protocol.js'

/** One command of the NATS client protocol. */
export interface NatsFrame {
  readonly verb: string
  /** The rest of the line after the verb. */
  readonly text: string
  /** The JSON of an INFO. */
  readonly info: Record<string, unknown> | undefined
  /** The fields of a MSG or HMSG. */
  readonly subject: string | undefined
  readonly sid: string | undefined
  readonly reply: string | undefined
  readonly headers: ReadonlyMap<string, string>
  readonly payload: Uint8Array
}

const NONE: ReadonlyMap<string, string> = new Map()
const EMPTY = new Uint8Array(0)
/** Characters. A longer line is no command: a server's control line has 4 KiB, its INFO somewhat more. */
const LONGEST_LINE = 65_536
/** Bytes: the largest `max_payload` that a server allows, and headers. */
const LARGEST = 64 * 1024 * 1024 + LONGEST_LINE

/**
 * Cuts a stream into commands: a WebSocket message may hold several commands, or part of one. Throws on data that is no
 * command, and on everything after it.
 */
export function natsFrames(): (data: WireData) => NatsFrame[] {
  let rest: Uint8Array = EMPTY
  let broken: unknown
  return (data) => {
    // Where the next command begins is unknown from here on. The leg then answers no ping, and is replaced.
    if (broken) throw broken
    try {
      return read(data)
    } catch (thrown) {
      rest = EMPTY
      throw (broken = thrown)
    }
  }

  function read(data: WireData): NatsFrame[] {
    const fresh = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data)
    rest = rest.length === 0 ? fresh : joined(rest, fresh)
    const found: NatsFrame[] = []
    let at = 0
    for (let end; (end = lineEnd(rest, at)) >= 0; ) {
      const line = new TextDecoder().decode(rest.subarray(at, end))
      const next = command(line, rest, end + 2)
      if (!next) break
      found.push(next.frame)
      at = next.end
    }
    rest = rest.slice(at)
    if (rest.length > LONGEST_LINE && lineEnd(rest, 0) < 0) throw new RangeError(explain`no NATS command is that long`)
    return found
  }
}

function command(line: string, bytes: Uint8Array, body: number): { frame: NatsFrame; end: number } | null {
  const [, verb = '', text = ''] = /^(\S*)\s*(.*)$/.exec(line) ?? []
  const frame: NatsFrame = {
    verb: verb.toUpperCase(),
    text,
    info: undefined,
    subject: undefined,
    sid: undefined,
    reply: undefined,
    headers: NONE,
    payload: EMPTY,
  }
  if (frame.verb === 'INFO')
    return { frame: { ...frame, info: JSON.parse(text) as Record<string, unknown> }, end: body }
  if (frame.verb !== 'MSG' && frame.verb !== 'HMSG') return { frame, end: body }
  const words = text.split(/\s+/)
  const total = Number(words.pop())
  const head = frame.verb === 'HMSG' ? Number(words.pop()) : 0
  const [subject, sid, reply] = words
  if (!(Number.isSafeInteger(total) && total >= 0 && total <= LARGEST && head >= 0 && head <= total) || !sid)
    throw new SyntaxError('a MSG that cannot be read')
  if (bytes.length < body + total + 2) return null
  const headers = head > 0 ? headersIn(new TextDecoder().decode(bytes.subarray(body, body + head))) : NONE
  return {
    frame: { ...frame, subject, sid, reply, headers, payload: bytes.slice(body + head, body + total) },
    end: body + total + 2,
  }
}

function headersIn(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    if (colon > 0) found.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return found
}

function lineEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(13, from); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(13, at + 1))
    if (bytes[at + 1] === 10) return at
  return -1
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}
