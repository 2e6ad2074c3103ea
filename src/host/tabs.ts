import { brief } from '../base/explanation.js'

/** What the tabs of one browser can do together. Replaceable, so that a test can play the browser. */
export interface Tabs {
  /**
   * Joins the tabs of this origin that use `name`. Null if there can be no other tab, as on a server. Touches nothing
   * of the browser before it is called.
   */
  join(name: string): TabGroup | null
}

export interface TabGroup {
  /**
   * Sends to every other tab of the group, never to this one. The message may arrive late, at a frozen tab after its
   * thaw, or not at all.
   */
  post(message: unknown): void
  /**
   * Receives what other tabs post. Any script of the origin can post, so check each message before you trust it. One
   * listener per group.
   */
  listen(listener: (message: unknown) => void): void
  /**
   * Runs `work` while no other tab of the group runs its own. Rejects with the signal's reason if the turn has not come
   * when `signal` fires; once `work` has started, the signal has no effect here. A tab that is closed or crashes
   * thereby gives up its turn. A frozen tab may not, so `signal` must fire at some point.
   */
  exclusively<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>
  /** A number that every tab sees, including one that slept while it was written; 0 if there is none. */
  read(label: string): number
  write(label: string, value: number): void
  /** Afterwards nothing is posted or received. */
  leave(): void
}

/**
 * The tabs and workers of a real browser: BroadcastChannel for messages, Web Locks for turns, localStorage for numbers,
 * and for nothing but numbers. If one of these is missing (no secure context, storage blocked, or absent in a worker)
 * the tab acts as if it were alone in that respect: `read` gives 0. On a server all of them are missing.
 */
export const browserTabs: Tabs = {
  join(name) {
    if (typeof document !== 'object' && !isWorker()) return null
    let channel = openChannel(name)
    return {
      post: (message) => channel?.postMessage(message),
      listen(listener) {
        if (channel) channel.onmessage = (event) => listener(event.data)
      },
      exclusively: (work, signal) => takeTurn(name, work, signal),
      read: (label) => readNumber(`${name}:${label}`),
      write: (label, value) => writeNumber(`${name}:${label}`, value),
      leave() {
        // A message that has already arrived is delivered even after `close`.
        if (channel) channel.onmessage = null
        channel?.close()
        channel = undefined
      },
    }
  },
}

/**
 * Node has a BroadcastChannel too, but its processes must not talk to each other; its threads are no browser workers.
 */
function isWorker(): boolean {
  const { WorkerGlobalScope: scope } = globalThis as { WorkerGlobalScope?: new () => unknown }
  return typeof scope === 'function' && globalThis instanceof scope
}

function openChannel(name: string): BroadcastChannel | undefined {
  try {
    const channel = new BroadcastChannel(name)
    // Node's own, where a test has put a `document` there: it would keep the process alive.
    if (!brief) (channel as { unref?(): void }).unref?.()
    return channel
  } catch {
    return undefined
  }
}

async function takeTurn<Result>(name: string, work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  let turn: Promise<Result> | undefined
  const begin = () => (turn ??= work())
  try {
    await navigator.locks.request(name, { signal }, begin)
  } catch (refused) {
    // The locks failed, not the work: opaque origins and old browsers have none, and the tab then acts alone.
    if (!turn && signal.aborted) throw refused
  }
  return begin()
}

function readNumber(key: string): number {
  try {
    const value = Number(localStorage.getItem(key))
    return Number.isSafeInteger(value) && value > 0 ? value : 0
  } catch {
    return 0
  }
}

function writeNumber(key: string, value: number) {
  try {
    localStorage.setItem(key, String(value))
  } catch {
    // Storage is blocked or full. The other tabs still receive the value by message while they are awake.
  }
}
