import type { Clock } from '../base/clock.js'
import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { byteLength, serialise } from '../protocol/json.js'
import type { ClientFrame, SignalFrame } from '../protocol/frames.js'
import { refusal } from '../publishes/refusal.js'

/** What a signal's handler is told beside its data. */
export interface SignalInfo<Topic extends string = string> {
  readonly topic: Topic
  /** Who sent it, where the server tells. */
  readonly by?: unknown
}

export type SignalHandler = (data: unknown, signal: SignalInfo) => void

/** What is said to those who have a topic subscribed now. */
export interface Signals {
  /** Throws a `LiveSocketError`: `invalid` or `too-large`. */
  send(topic: string, data: unknown): void
  on(topic: string, handler: SignalHandler): () => void
  /** One has come, on whichever leg. */
  told(signal: SignalFrame): void
  /** The server refused the one of that id. False: it is none of ours. */
  refused(id: string, code: string, message: string, retryAfter?: number): boolean
  /** What waits for its frame is not sent any more, and what the next one says waits for nothing. */
  drop(): void
}

export interface SignalsDeps {
  readonly clock: Clock
  readonly id: () => string
  /** The leg that serves, and the largest frame that it takes; null: none does. */
  serving(): { readonly leg: number; readonly maxFrame: number | undefined } | null
  send(leg: number, frame: ClientFrame): boolean
  subscribed(topic: string): boolean
  threw(thrown: unknown, topic: string): void
  failed(error: LiveSocketError): void
}

/** Topics of which a signal is sent in one frame: at 60 frames a second half of what a server takes of a session. */
const TOPICS_PER_FRAME = 4
/** Signals that are known again when the other leg of a handover brings them too. */
const KNOWN = 1_000

/** The part of a live socket that says what is never stored: `signals` of `livesocket/core`. */
export function createSignals({ clock, id, ...deps }: SignalsDeps): Signals {
  const handlers = new Map<string, readonly SignalHandler[]>()
  const known = new Set<string>()
  /** The newest of each topic, as JSON. */
  const waiting = new Map<string, string>()
  let next: (() => void) | null = null
  let mark = ''
  let count = 0

  const error = (topic: string, code: LiveSocketErrorCode, why: string, details?: LiveSocketErrorDetails) =>
    new LiveSocketError(code, explain`signal to "${topic}": ${why}`, { topic, ...details })

  function flush() {
    next = null
    const serving = deps.serving()
    if (!serving) waiting.clear()
    if (!serving || waiting.size === 0) return
    let room = TOPICS_PER_FRAME
    for (const [topic, json] of waiting) {
      if (room-- === 0) break
      waiting.delete(topic)
      const data = JSON.parse(json) as unknown
      deps.send(serving.leg, { type: 'signal', id: `${(mark ||= id())}.${++count}`, topic, data })
    }
    next = clock.frame(flush)
  }

  return {
    send(topic, data) {
      const text = serialise(data)
      if ('invalid' in text)
        throw error(topic, 'invalid', explain`it cannot be sent: ${text.invalid}`, { cause: text.cause })
      if (!deps.subscribed(topic))
        throw error(topic, 'invalid', explain`it is for those who have the topic subscribed, and this socket has not`)
      const { maxFrame = Infinity } = deps.serving() ?? {}
      // Its frame, with the longest name of a topic.
      if (byteLength(text.json) + 1_000 > maxFrame)
        throw error(topic, 'too-large', explain`the server takes no frame over ${maxFrame} bytes`)
      waiting.set(topic, text.json)
      if (!next) flush()
    },
    on(topic, handler) {
      const one: SignalHandler = (data, signal) => handler(data, signal)
      handlers.set(topic, [...(handlers.get(topic) ?? []), one])
      return () => {
        const others = handlers.get(topic)?.filter((other) => other !== one) ?? []
        if (others.length > 0) handlers.set(topic, others)
        else handlers.delete(topic)
      }
    },
    told({ id: which, topic, data, by }) {
      if (known.has(which)) return
      known.add(which)
      if (known.size > KNOWN) known.delete(known.values().next().value!)
      for (const handler of handlers.get(topic) ?? []) {
        try {
          handler(data, by === undefined ? { topic } : { topic, by })
        } catch (thrown) {
          deps.threw(thrown, topic)
        }
      }
    },
    refused(which, reason, message, retryAfter) {
      if (mark === '' || !which.startsWith(`${mark}.`)) return false
      if (retryAfter !== undefined) {
        next?.()
        next = clock.setTimeout(flush, retryAfter)
      }
      deps.failed(refusal({ code: reason, message, retryAfter }))
      return true
    },
    drop() {
      waiting.clear()
      next?.()
      next = null
    },
  }
}
