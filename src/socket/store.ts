import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Clock } from '../base/clock.js'
import type { LastError } from '../handover/outage.js'
import { isObject } from '../options/option-table.js'

/** A readable store, in the form that zustand's `useStore` and React's `useSyncExternalStore` take. */
export interface ReadableStore<Value> {
  getState(): Value
  getInitialState(): Value
  subscribe(listener: (state: Value, previous: Value) => void): () => void
}

/** What `socket.store` holds. It changes rarely, and never because of a message. */
export interface LiveSocketState {
  /** The status to show. It stays `live` during a planned handover. */
  readonly status: 'idle' | 'connecting' | 'live' | 'reconnecting' | 'closed'
  readonly closed: null | {
    readonly by: 'app' | 'server' | 'signed-out' | 'session-ended' | 'forbidden' | 'superseded' | 'protocol'
    readonly code?: number
    readonly reason?: string
  }
  /** The active leg. `since` is wall-clock ms. */
  readonly leg: null | {
    readonly number: number
    readonly url: string
    readonly server: string
    readonly since: number
  }
  /** The handover under way. `deadline` is wall-clock ms. */
  readonly handover: null | {
    readonly id: string
    readonly reason: string
    readonly phase: 'waiting' | 'dialling' | 'overlapping'
    readonly deadline: number
  }
  /**
   * The newest known reason why the socket is not live. Null while it is live, and after the application itself closed
   * it.
   */
  readonly lastError: null | LastError
  /** The next dial while no leg serves. `at` is wall-clock ms. */
  readonly retry: null | { readonly attempt: number; readonly at: number }
  /** The status and times of the token, never the token itself. Times are wall-clock ms. */
  readonly token: {
    readonly status: 'none' | 'valid' | 'refreshing' | 'stale' | 'ended'
    readonly refreshAt: number | null
    readonly expiresAt: number | null
  }
  /** What waits for an answer. Listeners learn of its changes once per animation frame, and of all others at once. */
  readonly outbox: { readonly messages: number; readonly bytes: number }
  /** Whether the socket has been live at all: a first load looks different from a reconnection. */
  readonly everLive: boolean
}

export const idleState: LiveSocketState = Object.freeze({
  status: 'idle',
  closed: null,
  leg: null,
  handover: null,
  lastError: null,
  retry: null,
  token: Object.freeze({ status: 'none', refreshAt: null, expiresAt: null }),
  outbox: Object.freeze({ messages: 0, bytes: 0 }),
  everLive: false,
})

/** The public state, and how it changes. */
export class LiveStore {
  readonly #clock: Clock
  readonly #inner: StoreApi<LiveSocketState>
  #counted: LiveSocketState['outbox'] | null = null
  readonly store: ReadableStore<LiveSocketState>

  constructor(clock: Clock, threw: (thrown: unknown) => void) {
    this.#clock = clock
    this.#inner = createGuardedStore(idleState, threw)
    const { getState, getInitialState, subscribe } = this.#inner
    this.store = { getState, getInitialState, subscribe }
  }

  /** Notifies at once, and only if something differs. */
  set(part: Partial<LiveSocketState>): void {
    const state = this.#inner.getState()
    const changed = Object.entries(part).filter(([name, value]) => !same(state[name as keyof LiveSocketState], value))
    if (changed.length > 0) this.#inner.setState(Object.fromEntries(changed))
  }

  /** Notifies once per animation frame, because the counts change with every publish. */
  count(outbox: LiveSocketState['outbox']): void {
    if (this.#counted === null)
      this.#clock.frame(() => {
        const latest = this.#counted!
        this.#counted = null
        this.set({ outbox: { ...latest } })
      })
    this.#counted = outbox
  }
}

/**
 * A zustand store with three protections. In zustand, a listener that throws keeps the next ones, and our own code,
 * from running. A listener added during a notification is called as well, so one that unsubscribes and subscribes again
 * would be called endlessly. When a listener changes the state again, the others are called twice with the final state.
 * Here a listener is called only with a state that it has not received yet, and what it throws goes to `threw`.
 */
export function createGuardedStore<Value>(initial: Value, threw: (thrown: unknown) => void): StoreApi<Value> {
  const store = createStore<Value>(() => initial)
  return {
    ...store,
    subscribe(listener) {
      let told = store.getState()
      return store.subscribe((state) => {
        const before = told
        told = state
        try {
          if (!Object.is(state, before)) listener(state, before)
        } catch (thrown) {
          threw(thrown)
        }
      })
    },
  }
}

/** Equal, or flat objects with equal values: parts of the state keep their identity while nothing in them changes. */
function same(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b)
  return Object.keys({ ...a, ...b }).every((name) => Object.is(a[name], b[name]))
}
