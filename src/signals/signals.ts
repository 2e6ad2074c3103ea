import type { Clock } from '../base/clock.js'
import type { Emitter } from '../base/emitter.js'
import type { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { ClientFrame, NackFrame, SignalFrame } from '../protocol/frames.js'
import { KeptFrame } from '../publishes/kept-frame.js'
import { failure, refusal } from '../publishes/refusal.js'

/** What a signal's handler is told beside its data. */
export interface SignalInfo<Topic extends string = string> {
  readonly topic: Topic
  /** Who sent it, where the server tells. */
  readonly by?: unknown
}

export type SignalHandler = (data: unknown, signal: SignalInfo) => void

/** What a live socket says to those who have a topic subscribed now, and what they say to it. */
export interface Signals {
  /** Throws a `LiveSocketError`: `invalid` or `too-large`. */
  send(topic: string, data: unknown): void
  /**
   * Returns the undo. `subscribe` is for the topic's legs to bring them, and throws what is wrong before either listens.
   */
  on(topic: string, handler: SignalHandler, subscribe: () => () => void): () => void
  /** One has come, on whichever leg. */
  told(signal: SignalFrame): void
  /** The server refused one of ours. */
  refused(nack: NackFrame): void
  /** Its session rests, or is over: what waits would be old news, or somebody else's, on the next leg. */
  drop(): void
}

/** The live socket whose signals these are. */
export interface SignalsSocket {
  /** The present one. */
  readonly session: {
    /** The leg that serves, and the largest frame that it takes; null: none does. */
    readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
    send(leg: number, frame: ClientFrame): boolean
  }
  readonly settings: { readonly clock: Clock }
  /** What is known of a topic that is subscribed. */
  readonly subscriptions: { status(topic: string): unknown }
  readonly events: Emitter<Record<string, SignalFrame>>
  error(error: LiveSocketError): void
}

/** For whom it is passed to, whose signals they are is nobody else's concern. */
export type SignalsPart = (socket: never) => Signals

/** Topics of which a signal is sent in one frame: at 60 frames a second half of what a server takes of a session. */
const TOPICS_PER_FRAME = 4
/** After what is refused for no stated time the next one waits so long, in milliseconds. */
const PAUSE = 100
/** Signals that are known again when the other leg of a handover brings them too. */
const KNOWN = 1_000

/** The part of a live socket that says what is never stored: `signals` of `livesocket/core`. */
export const signals: SignalsPart = (socket: SignalsSocket) => {
  const { clock } = socket.settings
  const known = new Set<string>()
  /** The newest of each topic. */
  const waiting = new Map<string, ClientFrame>()
  /** Undoes the wait for the next frame, or for when the server takes more. */
  let next: (() => void) | null = null
  let count = 0

  /** What waits goes out, as much as is good for a frame; where no leg serves it is dropped. */
  function flush() {
    next?.()
    next = null
    const { session } = socket
    const { serving } = session
    if (!serving) waiting.clear()
    for (const [topic, frame] of [...waiting].slice(0, TOPICS_PER_FRAME)) {
      waiting.delete(topic)
      session.send(serving!.leg, frame)
      next ??= clock.frame(flush)
    }
  }

  return {
    send(topic, data) {
      const frame = new KeptFrame({ type: 'signal', id: `.${++count}`, topic }, data)
      if (!socket.subscriptions.status(topic))
        throw failure(frame, 'invalid', explain`it is for those who have the topic subscribed, and this socket has not`)
      const { maxFrame = Infinity } = socket.session.serving ?? {}
      if (frame.bytes > maxFrame)
        throw failure(frame, 'too-large', explain`the server takes no frame over ${maxFrame} bytes`)
      waiting.set(topic, frame)
      if (!next) flush()
    },
    on(topic, handler, subscribe) {
      const leave = subscribe()
      const undo = socket.events.on(`signal ${topic}`, ({ data, by }) => handler(data, { topic, by }))
      return () => {
        undo()
        leave()
      }
    },
    told(signal) {
      const { size } = known
      if (known.add(signal.id).size === size) return
      if (size === KNOWN) known.delete(known.values().next().value!)
      socket.events.emit(`signal ${signal.topic}`, signal)
    },
    refused(nack) {
      next?.()
      next = clock.setTimeout(flush, nack.retryAfter ?? PAUSE)
      socket.error(refusal(nack))
    },
    drop: flush,
  }
}
