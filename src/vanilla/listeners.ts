import { explain } from '../base/explanation.js'

type Listener = EventListenerOrEventListenerObject
type Options = AddEventListenerOptions | boolean | undefined

interface Entry {
  listener: Listener
  readonly capture: boolean
  readonly once: boolean
  removed: boolean
}

/** What `stopImmediatePropagation` changes in an event. */
export interface Stoppable {
  stopped: boolean
}

/**
 * The listeners of one target, as the DOM standard defines them. The platform's EventTarget is not used: it rejects
 * events of another realm, such as a jsdom whose globals came later, and some platforms have none.
 */
export class Listeners {
  /** Each addition and removal makes a new array, so a running dispatch goes on with the array that it began with. */
  readonly #all = new Map<string, readonly Entry[]>()
  /** The entries of `onmessage` and the like. They keep their place in the order when they are replaced. */
  readonly #handlers = new Map<string, Entry>()
  readonly #target: EventTarget

  constructor(target: EventTarget) {
    this.#target = target
  }

  add(type: string, listener: Listener | null, options: Options) {
    const {
      capture = false,
      once = false,
      signal,
    } = typeof options === 'object' && options !== null ? options : { capture: Boolean(options) }
    if (!listener || signal?.aborted || this.#find(type, listener, capture)) return
    const entry = this.#put(type, listener, capture, once)
    signal?.addEventListener('abort', () => this.#drop(type, entry), { once: true })
  }

  remove(type: string, listener: Listener | null, options: EventListenerOptions | boolean | undefined) {
    const entry = this.#find(type, listener, Boolean(typeof options === 'object' ? options?.capture : options))
    if (entry) this.#drop(type, entry)
  }

  handlerOf(type: string): Listener | null {
    return this.#handlers.get(type)?.listener ?? null
  }

  setHandler(type: string, handler: Listener | null) {
    const entry = this.#handlers.get(type)
    if (entry && handler) entry.listener = handler
    else if (handler) this.#handlers.set(type, this.#put(type, handler, false, false))
    else if (entry) {
      this.#handlers.delete(type)
      this.#drop(type, entry)
    }
  }

  #put(type: string, listener: Listener, capture: boolean, once: boolean): Entry {
    const entry: Entry = { listener, capture, once, removed: false }
    this.#all.set(type, [...(this.#all.get(type) ?? []), entry])
    return entry
  }

  #find(type: string, listener: Listener | null, capture: boolean): Entry | undefined {
    const handler = this.#handlers.get(type)
    return this.#all.get(type)?.find((one) => one !== handler && one.listener === listener && one.capture === capture)
  }

  #drop(type: string, entry: Entry) {
    entry.removed = true
    this.#all.set(
      type,
      (this.#all.get(type) ?? []).filter((one) => one !== entry),
    )
  }

  /** Throws a TypeError if it is no event. */
  dispatch(event: Event): boolean {
    if (typeof event !== 'object' || event === null || typeof event.type !== 'string')
      throw new TypeError(explain`dispatchEvent takes an event.`)
    const propagation = { stopped: false }
    this.#show(event, this.#target, 2)
    Object.defineProperty(event, 'stopImmediatePropagation', {
      value: () => (propagation.stopped = true),
      configurable: true,
    })
    this.tell(event.type, event, propagation)
    this.#show(event, null, 0)
    return !event.defaultPrevented
  }

  #show(event: Event, currentTarget: EventTarget | null, eventPhase: number) {
    const target = this.#target
    for (const [name, value] of Object.entries({ target, srcElement: target, currentTarget, eventPhase }))
      Object.defineProperty(event, name, { value, configurable: true })
  }

  /** Calls the listeners of an event that knows its target itself. */
  tell(type: string, event: Event, propagation: Stoppable) {
    const entries = this.#all.get(type)
    if (!entries) return
    // By index: an iterator would be one more object for each message.
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at]!
      if (entry.removed || propagation.stopped) continue
      if (entry.once) this.#drop(type, entry)
      const { listener } = entry
      try {
        if (typeof listener === 'function') listener.call(this.#target, event)
        else listener.handleEvent(event)
      } catch (thrown) {
        report(thrown)
      }
    }
  }
}

/** As the platform does: the other listeners are still called, and the exception is reported as an uncaught error. */
function report(thrown: unknown) {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown)
  else {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
