/** What a page holds and must release explicitly. */
export interface Held {
  /** Timers that are set and neither due nor cleared. */
  readonly timers: number
  /** Listeners on the window, the document and the connection, which live as long as the page. */
  readonly listeners: number
  /** WebSockets that are not closed. */
  readonly sockets: number
}

interface Listening {
  readonly target: EventTarget
  readonly type: string
  readonly listener: unknown
}

/** Counts from now on what scripts of this page set and release. */
export function countHeld(): () => Held {
  const timers = countTimers()
  const listeners = countListeners()
  const sockets = new Set<WebSocket>()
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      sockets.add(this)
      this.addEventListener('close', () => void sockets.delete(this))
    }
  }
  return () => ({ timers: timers.size, listeners: listeners.length, sockets: sockets.size })
}

function countTimers(): ReadonlySet<unknown> {
  const timers = new Set<unknown>()
  const { setTimeout, clearTimeout, setInterval, clearInterval } = window
  window.setTimeout = ((task: (...given: unknown[]) => void, delay?: number, ...given: unknown[]) => {
    const id = setTimeout(() => {
      timers.delete(id)
      task(...given)
    }, delay)
    timers.add(id)
    return id
  }) as typeof setTimeout
  window.setInterval = ((task: () => void, delay?: number) => {
    const id = setInterval(task, delay)
    timers.add(id)
    return id
  }) as typeof setInterval
  window.clearTimeout = window.clearInterval = (id) => {
    timers.delete(id)
    clearTimeout(id)
    clearInterval(id)
  }
  return timers
}

function countListeners(): readonly Listening[] {
  const listeners: Listening[] = []
  const lasting = new Set<unknown>([window, document, (navigator as { connection?: unknown }).connection])
  const { addEventListener, removeEventListener } = EventTarget.prototype
  const find = ({ target, type, listener }: Listening) =>
    listeners.findIndex((one) => one.target === target && one.type === type && one.listener === listener)
  function forget(one: Listening) {
    const at = find(one)
    if (at >= 0) listeners.splice(at, 1)
  }
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    // Called without an object, the function belongs to the window.
    const target = this ?? window
    const one = { target, type, listener }
    if (lasting.has(target) && find(one) < 0) {
      listeners.push(one)
      if (typeof options === 'object') options.signal?.addEventListener('abort', () => forget(one))
      if (typeof options === 'object' && options.once)
        addEventListener.call(target, type, () => forget(one), { once: true })
    }
    addEventListener.call(target, type, listener, options)
  }
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    const target = this ?? window
    forget({ target, type, listener })
    removeEventListener.call(target, type, listener, options)
  }
  return listeners
}
