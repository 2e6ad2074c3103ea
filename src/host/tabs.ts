/** What the tabs of one browser can do together. Replaceable, so that a test can be the browser. */
export interface Tabs {
  /**
   * Joins the tabs of this origin that use `name`. Null: nobody else can be there, as on a server. Touches nothing of the
   * browser before it is called.
   */
  join(name: string): TabGroup | null
}

export interface TabGroup {
  /**
   * Tells every other tab of the group, and never this one. It may arrive late, at a frozen tab after its thaw, or not
   * at all.
   */
  post(message: unknown): void
  /**
   * Tells what other tabs post. Any script of the origin can post: judge each message before you believe it. One listener
   * a group.
   */
  listen(listener: (message: unknown) => void): void
  /**
   * Runs `work` while no other tab of the group runs its own. Rejects with the signal's reason if the turn has not come
   * when `signal` fires; from the start of `work` on the signal means nothing here. A tab that is closed or crashes gives
   * its turn back by that; one that is frozen may not, so `signal` has to fire some time.
   */
  exclusively<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>
  /** A number that every tab sees, also one that slept while it was written; 0 where there is none. */
  read(label: string): number
  write(label: string, value: number): void
  /** After it nothing is posted or told. */
  leave(): void
}

/**
 * The tabs and workers of a real browser: BroadcastChannel to talk, Web Locks to take turns, localStorage for numbers,
 * and nothing but numbers. Where one of them is missing (no secure context, storage blocked or, in a worker, not there)
 * its part falls back to this one alone: `read` gives 0. On a server all of them are.
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
        // A message that has arrived is told even after `close`.
        if (channel) channel.onmessage = null
        channel?.close()
        channel = undefined
      },
    }
  },
}

/** Node has BroadcastChannel, and processes that must not talk; its own threads are no workers of a browser. */
function isWorker(): boolean {
  const { WorkerGlobalScope: scope } = globalThis as { WorkerGlobalScope?: new () => unknown }
  return typeof scope === 'function' && globalThis instanceof scope
}

function openChannel(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name)
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
    // The locks failed, not the work: opaque origins and old browsers have none, and then this tab stands alone.
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
    // Blocked or full: the other tabs still learn of it while they are awake.
  }
}
