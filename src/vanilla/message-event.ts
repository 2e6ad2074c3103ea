import type { Clock } from '../base/clock.js'
import type { Stoppable } from './listeners.js'

/** A message as a listener is given it. */
export interface SocketMessage extends MessageEvent, Stoppable {
  /** It has been told. */
  over(): void
}

export type SocketMessageClass = new (target: EventTarget, clock: Clock, data: unknown, origin: string) => SocketMessage

/**
 * The class of a socket's message events, which is a `MessageEvent` to `instanceof`. They are objects of our own: one
 * of the platform's own making costs a browser more than all else that is done for a message, and could not name this
 * socket as its target.
 */
export function messageClass(Platform: { prototype: object } | undefined): SocketMessageClass {
  class OwnMessageEvent {
    readonly data: unknown
    readonly origin: string
    readonly target: EventTarget
    currentTarget: EventTarget | null
    stopped = false
    readonly #clock: Clock

    constructor(target: EventTarget, clock: Clock, data: unknown, origin: string) {
      this.data = data
      this.origin = origin
      this.target = this.currentTarget = target
      this.#clock = clock
    }

    over() {
      this.currentTarget = null
    }
    get srcElement() {
      return this.target
    }
    get eventPhase() {
      return this.currentTarget ? 2 : 0
    }
    /** Of the moment at which somebody asks: they are told as they arrive. */
    get timeStamp() {
      return this.#clock.monotonic()
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
