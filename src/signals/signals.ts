import type { Clock } from '../base/clock.js'
import type { Emitter } from '../base/emitter.js'
import type { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { ClientFrame, NackFrame, SignalFrame } from '../protocol/frames.js'
import { KeptFrame } from '../publishes/kept-frame.js'
import { failure, refusal } from '../publishes/refusal.js'

/** What a signal's handler receives besides its data. */
export interface SignalInfo<Topic extends string = string> {
  readonly topic: Topic
  /** Who sent it, if the server tells. */
  readonly by?: unknown
}

export type SignalHandler = (data: unknown, signal: SignalInfo) => void

/**
 * The signals of a live socket: sent to, and received from, the sessions that have a topic subscribed at that moment.
 */
export interface Signals {
  /** Throws a `LiveSocketError`: `invalid` or `too-large`. */
  send(topic: string, data: unknown): void
  /**
   * Returns the undo. `subscribe` subscribes the topic, without which its legs receive no signals. It runs first, so
   * that an error it throws leaves no listener behind.
   */
  on(topic: string, handler: SignalHandler, subscribe: () => () => void): () => void
  /** A signal has arrived, on any leg. */
  told(signal: SignalFrame): void
  /** The server refused a signal of this client. */
  refused(nack: NackFrame): void
  /**
   * The session pauses or has ended. Waiting signals are dropped: on the next leg they would be outdated, or another
   * user's.
   */
  drop(): void
}

/** What this part uses of its live socket. */
export interface SignalsSocket {
  /** The current session. */
  readonly session: {
    /** The serving leg, and the largest frame that it accepts; null: no leg serves. */
    readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
    send(leg: number, frame: ClientFrame): boolean
  }
  readonly settings: { readonly clock: Clock }
  /** The status of a subscribed topic. */
  readonly subscriptions: { status(topic: string): unknown }
  readonly events: Emitter<Record<string, SignalFrame>>
  error(error: LiveSocketError): void
}

/** The socket is typed `never`, because applications only pass this part on. */
export type SignalsPart = (socket: never) => Signals

/**
 * How many topics' signals are sent per animation frame: at 60 frames a second this is half of what a server accepts of
 * a session.
 */
const TOPICS_PER_FRAME = 4
/** How long to pause after a refusal without `retryAfter`, in milliseconds. */
const PAUSE = 100
/** How many signal ids are remembered, to recognise a signal that the other leg of a handover brings too. */
const KNOWN = 1_000

/** The part of a live socket for messages that are never stored: `signals` of `livesocket/core`. */
export const signals: SignalsPart = (socket: SignalsSocket) => {
  const { clock } = socket.settings
  const known = new Set<string>()
  /** The newest unsent signal of each topic. */
  const waiting = new Map<string, ClientFrame>()
  /** Cancels the wait for the next frame, or for when the server accepts more. */
  let next: (() => void) | null = null
  let count = 0

  /** Sends waiting signals, as many as one frame allows; without a serving leg they are dropped. */
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
        throw failure(
          frame,
          'invalid',
          explain`a socket can send it only while it has the topic subscribed, and this one has not`,
        )
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
