import { explain } from '../base/explanation.js'

type Listener = EventListenerOrEventListenerObject
type Options = AddEventListenerOptions | boolean | undefined

interface Entry {
  readonly listener: Listener
  readonly capture: boolean
  readonly once: boolean
  removed: boolean
}

/**
 * The listeners of one target, as the DOM standard has them. Not the platform's EventTarget: that takes no events of
 * another realm, such as a jsdom whose globals came later, and some platforms have none.
 */
export function createListeners(target: EventTarget) {
  const all = new Map<string, Entry[]>()

  function remove(type: string, entry: Entry) {
    entry.removed = true
    all.set(
      type,
      (all.get(type) ?? []).filter((one) => one !== entry),
    )
  }

  const find = (type: string, listener: Listener | null, capture: boolean) =>
    all.get(type)?.find((one) => one.listener === listener && one.capture === capture)

  return {
    add(type: string, listener: Listener | null, options: Options) {
      const {
        capture = false,
        once = false,
        signal,
      } = typeof options === 'object' && options !== null ? options : { capture: Boolean(options) }
      if (!listener || signal?.aborted || find(type, listener, capture)) return
      const entry: Entry = { listener, capture, once, removed: false }
      all.set(type, [...(all.get(type) ?? []), entry])
      signal?.addEventListener('abort', () => remove(type, entry), { once: true })
    },
    remove(type: string, listener: Listener | null, options: EventListenerOptions | boolean | undefined) {
      const entry = find(type, listener, Boolean(typeof options === 'object' ? options?.capture : options))
      if (entry) remove(type, entry)
    },
    /** Throws a TypeError for what is no event. */
    dispatch(event: Event): boolean {
      if (typeof event !== 'object' || event === null || typeof event.type !== 'string')
        throw new TypeError(explain`dispatchEvent takes an event.`)
      let stopped = false
      const shown = (currentTarget: EventTarget | null, eventPhase: number) => {
        for (const [name, value] of Object.entries({ target, srcElement: target, currentTarget, eventPhase }))
          Object.defineProperty(event, name, { value, configurable: true })
      }
      shown(target, 2)
      Object.defineProperty(event, 'stopImmediatePropagation', { value: () => (stopped = true), configurable: true })
      for (const entry of all.get(event.type) ?? []) {
        if (entry.removed || stopped) continue
        if (entry.once) remove(event.type, entry)
        try {
          const { listener } = entry
          if (typeof listener === 'function') listener.call(target, event)
          else listener.handleEvent(event)
        } catch (thrown) {
          report(thrown)
        }
      }
      shown(null, 0)
      return !event.defaultPrevented
    },
  }
}

/** As the platform does: the other listeners are called all the same, and the program hears of it. */
function report(thrown: unknown) {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown)
  else {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
