import type { Clock } from '../base/clock.js'
import { Emitter } from '../base/emitter.js'
import type { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { newId } from '../base/id.js'
import { frameText } from '../protocol/client-frames.js'
import { byteLength, serialise } from '../protocol/json.js'
import type { ClientFrame, NackFrame, SignalFrame } from '../protocol/frames.js'
import { failure, refusal, unsendable } from '../publishes/refusal.js'

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
  /** The server refused something. False: it is none of ours. */
  refused(nack: NackFrame): boolean
  /** What waits for its frame is not sent any more, and what the next one says waits for nothing. */
  drop(): void
}

/** The connection whose signals these are. */
export interface SignalsDeps {
  readonly settings: { readonly clock: Clock }
  readonly coordinator: {
    /** The leg that serves, and the largest frame that it takes; null: none does. */
    readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
    send(leg: number, frame: ClientFrame): boolean
  }
  readonly subscriptions: { has(topic: string): boolean }
  report(message: string, cause: unknown): void
  error(error: LiveSocketError): void
}

/** For whom it is passed to, its connection is nobody else's concern. */
export type SignalsPart = (connection: never) => Signals

/** Topics of which a signal is sent in one frame: at 60 frames a second half of what a server takes of a session. */
const TOPICS_PER_FRAME = 4
/** Signals that are known again when the other leg of a handover brings them too. */
const KNOWN = 1_000

/** The part of a live socket that says what is never stored: `signals` of `livesocket/core`. */
export const signals: SignalsPart = (connection: SignalsDeps) => {
  const { coordinator, subscriptions } = connection
  const { clock } = connection.settings
  const handlers = new Emitter<Record<string, SignalFrame>>((thrown, topic) =>
    connection.report(explain`A handler of signals of "${topic}" threw.`, thrown),
  )
  const known = new Set<string>()
  /** The newest of each topic, as JSON. */
  const waiting = new Map<string, string>()
  let next: (() => void) | null = null
  let mark = ''
  let count = 0

  function flush() {
    next = null
    const { serving } = coordinator
    if (!serving) waiting.clear()
    if (!serving || waiting.size === 0) return
    let room = TOPICS_PER_FRAME
    for (const [topic, json] of waiting) {
      if (room-- === 0) break
      waiting.delete(topic)
      const head = { type: 'signal', id: `${(mark ||= newId())}.${++count}`, topic } as const
      coordinator.send(serving.leg, { ...head, text: frameText(head, json) })
    }
    next = clock.frame(flush)
  }

  return {
    send(topic, data) {
      const said = { type: 'signal', topic } as const
      const kept = serialise(data)
      if ('invalid' in kept) throw unsendable(said, kept)
      if (!subscriptions.has(topic))
        throw failure(said, 'invalid', explain`it is for those who have the topic subscribed, and this socket has not`)
      const { maxFrame = Infinity } = coordinator.serving ?? {}
      // Its frame, with the longest name of a topic.
      if (byteLength(kept.json) + 1_000 > maxFrame)
        throw failure(said, 'too-large', explain`the server takes no frame over ${maxFrame} bytes`)
      waiting.set(topic, kept.json)
      if (!next) flush()
    },
    on: (topic, handler) =>
      handlers.on(topic, ({ data, by }) => handler(data, by === undefined ? { topic } : { topic, by })),
    told(signal) {
      const { id } = signal
      if (known.has(id)) return
      known.add(id)
      if (known.size > KNOWN) known.delete(known.values().next().value!)
      handlers.emit(signal.topic, signal)
    },
    refused(nack) {
      if (mark === '' || !nack.id.startsWith(`${mark}.`)) return false
      const { retryAfter } = nack
      if (retryAfter !== undefined) {
        next?.()
        next = clock.setTimeout(flush, retryAfter)
      }
      connection.error(refusal(nack))
      return true
    },
    drop() {
      waiting.clear()
      next?.()
      next = null
    },
  }
}
