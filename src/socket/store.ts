import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Clock } from '../base/clock.js'
import type { LastError } from '../handover/outage.js'
import { isObject } from '../options/option-table.js'

/** A store to read: `useStore` of zustand, `useSyncExternalStore` and plain code all take it. */
export interface ReadableStore<Value> {
  getState(): Value
  getInitialState(): Value
  subscribe(listener: (state: Value, previous: Value) => void): () => void
}

/** What `socket.store` holds. It changes seldom: never for a message. */
export interface LiveSocketState {
  /** What to show. A planned handover stays `live`. */
  readonly status: 'idle' | 'connecting' | 'live' | 'reconnecting' | 'closed'
  readonly closed: null | {
    readonly by: 'app' | 'server' | 'signed-out' | 'session-ended' | 'forbidden' | 'superseded' | 'protocol'
    readonly code?: number
    readonly reason?: string
  }
  /** The leg that serves. `since` is wall-clock ms. */
  readonly leg: null | {
    readonly number: number
    readonly url: string
    readonly server: string
    readonly since: number
  }
  /** A handover under way. `deadline` is wall-clock ms. */
  readonly handover: null | {
    readonly id: string
    readonly reason: string
    readonly phase: 'waiting' | 'dialling' | 'overlapping'
    readonly deadline: number
  }
  /**
   * Why it is not live, as far as can be told: the newest reason. Null once it is, and where the application itself
   * closed it.
   */
  readonly lastError: null | LastError
  /** The next attempt while nothing serves. `at` is wall-clock ms. */
  readonly retry: null | { readonly attempt: number; readonly at: number }
  /** Of the token only its times, wall-clock ms. */
  readonly token: {
    readonly status: 'none' | 'valid' | 'refreshing' | 'stale' | 'ended'
    readonly refreshAt: number | null
    readonly expiresAt: number | null
  }
  /** What waits for its answer. The only part told once a frame. */
  readonly outbox: { readonly messages: number; readonly bytes: number }
  /** Whether it has been live at all: a first load looks different from a reconnection. */
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

  /** Told at once, and only where something differs. */
  set(part: Partial<LiveSocketState>): void {
    const state = this.#inner.getState()
    const changed = Object.entries(part).filter(([name, value]) => !same(state[name as keyof LiveSocketState], value))
    if (changed.length > 0) this.#inner.setState(Object.fromEntries(changed))
  }

  /** Told once a frame: it changes with every publish. */
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
 * zustand tells its listeners in a row: one that throws would keep the others, and us, from going on; one that comes
 * meanwhile is told as well, so that whoever leaves and comes back would be told for ever; and where one changes the
 * state again, the others are told twice of what it is by then. Here each is told what it was not told yet.
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
