import type { Clock } from '../base/clock.js'
import { addressOf } from '../base/socket-address.js'
import type { Stoppable } from './listeners.js'

/** A message as a listener is given it. */
export interface SocketMessage extends MessageEvent, Stoppable {
  /** It has been told. */
  over(): void
}

type SocketMessageClass = new (data: unknown, origin: string) => SocketMessage

/** Makes the message events of one socket. */
export class MessageEvents {
  readonly #target: EventTarget
  readonly #clock: Clock
  /** Their class, and the platform's that it is one of: another one may have come since. */
  #Class: SocketMessageClass | null = null
  #platform: typeof MessageEvent | undefined
  /** Where messages come from, as their events name it. */
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
 * The class of the message events of `target`, which is a `MessageEvent` to `instanceof`. They are objects of our own: one
 * of the platform's own making costs a browser more than all else that is done for a message, and could not name this
 * socket as its target.
 */
function messageClass(
  Platform: { prototype: object } | undefined,
  target: EventTarget,
  clock: Clock,
): SocketMessageClass {
  class OwnMessageEvent {
    /** As long as one lives, engines know how to make them fast: else they forget it with each collection of garbage. */
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
    /** Of the moment at which somebody asks: they are told as they arrive. */
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
    /** What Node shows of an event is for its own alone. */
    [Symbol.for('nodejs.util.inspect.custom')]() {
      return { type: 'message', data: this.data, origin: this.origin }
    }
  }
  const { prototype } = OwnMessageEvent
  for (const [name, value] of Object.entries(ALIKE)) Object.defineProperty(prototype, name, { value, enumerable: true })
  if (Platform) Object.setPrototypeOf(prototype, Platform.prototype)
  return OwnMessageEvent as unknown as SocketMessageClass
}

/** What is the same in every message of a socket. */
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
