import { explain } from '../base/explanation.js'
import type { ClientFrame, Rejected, ServerFrame } from '../protocol/frames.js'
import type { WireData } from '../protocol/protocol.js'
import type { Outgoing, RawAnswer, RawHandover, RawRefusal } from './raw-options.js'

/**
 * Milliseconds. Servers that ask for a handover and name no deadline usually close half a minute later; ours and
 * Twitch's do.
 */
const DEADLINE = 30_000

export const NONE: readonly never[] = []

/** Each of these makes the frame of livesocket.v1 that means the same. */
export function handoverFrame(said: true | RawHandover, ownId: () => string): ServerFrame {
  const {
    id,
    reason = 'the server asked',
    url,
    spread,
    deadline = DEADLINE,
  } = said === true ? ({} as RawHandover) : said
  return { type: 'handover', id: id ?? ownId(), reason, url, spread, deadline }
}

export function answerFrame(said: RawAnswer): ServerFrame {
  if ('refused' in said)
    return {
      type: 'nack',
      id: said.id,
      code: said.code ?? 'refused',
      message: said.refused,
      retryAfter: said.retryAfter,
    }
  return { type: 'ack', id: said.id, offset: said.offset, data: said.data }
}

export function threw(thrown: unknown): Rejected {
  return { invalid: explain`a function of rawProtocol threw: ${thrown instanceof Error ? thrown.name : typeof thrown}` }
}

export const CLOSED = { unauthorized: 'unauthorized', ended: 'forbidden', retry: 'draining' } as const

/** Returns null if `ask` throws: that option then counts as absent. */
export function attempt<Answer>(ask: () => Answer): Answer | null {
  try {
    return ask()
  } catch {
    return null
  }
}

export function refusal({ topic, reason, ended }: RawRefusal): ServerFrame {
  return { type: 'error', code: ended ? 'ended' : 'forbidden', topic, message: reason }
}

export function pieces(data: Outgoing): readonly WireData[] {
  return data == null ? NONE : typeof data === 'string' || data instanceof ArrayBuffer ? [data] : data
}

export function many<Thing extends object>(said: Thing | readonly Thing[] | null | undefined): readonly Thing[] {
  return said ? (isSeveral(said) ? said : [said]) : NONE
}

function isSeveral<Thing extends object>(said: Thing | readonly Thing[]): said is readonly Thing[] {
  return Array.isArray(said)
}

type Publish = ClientFrame & { readonly type: 'publish' }

/** The publish as the options' functions see it, with data whatever form the frame has it in. */
export function plain(frame: Publish) {
  const { type, id, topic, n, data, age } = frame
  return { type, id, topic, n, data, age }
}

export function asIs(frame: Publish): WireData {
  // JSON of anything but a string is sent as it is.
  if (frame.json !== undefined && !frame.json.startsWith('"')) return frame.json
  const { data } = frame
  return typeof data === 'string' || data instanceof ArrayBuffer ? data : JSON.stringify(data)
}
