import type { Clock } from '../base/clock.js'
import { addressOf } from '../base/socket-address.js'
import type { Stoppable } from './listeners.js'

/** A message event as a listener receives it. */
export interface SocketMessage extends MessageEvent, Stoppable {
  /** Marks the event as dispatched. */
  over(): void
}

type SocketMessageClass = new (data: unknown, origin: string) => SocketMessage

/** Creates the message events of one socket. */
export class MessageEvents {
  readonly #target: EventTarget
  readonly #clock: Clock
  /**
   * The class of the events, and the platform's class that it extends. A page may replace the platform's class
   * meanwhile.
   */
  #Class: SocketMessageClass | null = null
  #platform: typeof MessageEvent | undefined
  /** The origin of messages as their events name it (`is`), and the URL from which it was made (`of`). */
  #origin = { of: '', is: '' }

  constructor(target: EventTarget, clock: Clock) {
    this.#target = target
    this.#clock = clock
  }

  of(data: unknown, url: string): SocketMessage {
    const Platform = typeof MessageEvent === 'function' ? MessageEvent : undefined
    if (Platform !== this.#platform || !this.#Class)
      this.#Class = messageClass((this.#platform = Platform), this.#target, this.#clock)
    if (url !== this.#origin.of) this.#origin = { of: url, is: addressOf(url)?.origin ?? '' }
    return new this.#Class(data, this.#origin.is)
  }
}

/**
 * The class of the message events of `target`, which is a `MessageEvent` for `instanceof`. The events are objects of
 * our own: one that the platform makes costs a browser more than everything else that is done for a message, and it
 * could not have this socket as its target.
 */
function messageClass(
  Platform: { prototype: object } | undefined,
  target: EventTarget,
  clock: Clock,
): SocketMessageClass {
  class OwnMessageEvent {
    /**
     * Engines keep what they know about creating such objects fast only while one lives; otherwise each garbage
     * collection discards it.
     */
    static readonly living = new OwnMessageEvent(undefined, '')
    readonly data: unknown
    readonly origin: string
    currentTarget: EventTarget | null = target
    stopped = false

    constructor(data: unknown, origin: string) {
      this.data = data
      this.origin = origin
    }

    over() {
      this.currentTarget = null
    }
    get target() {
      return target
    }
    get srcElement() {
      return target
    }
    get eventPhase() {
      return this.currentTarget ? 2 : 0
    }
    /** The time at which it is read: listeners run when the message arrives. */
    get timeStamp() {
      return clock.monotonic()
    }
    get ports() {
      return []
    }
    composedPath() {
      return this.currentTarget ? [this.currentTarget] : []
    }
    preventDefault() {}
    stopPropagation() {}
    stopImmediatePropagation() {
      this.stopped = true
    }
    /** Node's own view of an event works only for its own class. */
    [Symbol.for('nodejs.util.inspect.custom')]() {
      return { type: 'message', data: this.data, origin: this.origin }
    }
  }
  const { prototype } = OwnMessageEvent
  for (const [name, value] of Object.entries(ALIKE)) Object.defineProperty(prototype, name, { value, enumerable: true })
  if (Platform) Object.setPrototypeOf(prototype, Platform.prototype)
  return OwnMessageEvent as unknown as SocketMessageClass
}

/** The properties that are the same in every message of a socket. */
const ALIKE = {
  type: 'message',
  bubbles: false,
  cancelable: false,
  composed: false,
  defaultPrevented: false,
  returnValue: true,
  cancelBubble: false,
  isTrusted: false,
  lastEventId: '',
  source: null,
}
