import { explain } from '../base/explanation.js'
import type { Clock, Random } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { Gap } from '../handover/events.js'
import { optionalFunction } from '../options/option-table.js'
import { estimateBytes } from '../topics/holding.js'
import type { Subscription, Subscriptions, TopicStatus } from '../topics/subscriptions.js'
import type { MessageInfo } from '../topics/message.js'
import type { Last, Position } from '../protocol/frames.js'
import { createSnapshotLoad, type LoadSnapshot, type Snapshot } from './snapshot-load.js'
import type { LiveSocketState, ReadableStore } from './store.js'

/** Where a fold begins, and what loads it. */
export interface FoldOptions<State> {
  /**
   * Fetches where the state begins from the application's own API. The topic is subscribed at the same time; what
   * arrives before the answer is held, and what the snapshot contains already is left out. After a gap, and where the
   * numbering of the topic starts over, it is asked again; until then the state stays as it was. A failed load is an
   * `error` event and is tried again.
   */
  readonly load?: LoadSnapshot<State>
  /** Without `load`: start after this position, or with the last so many messages that are kept, instead of now. */
  readonly from?: Position | Last
  /**
   * As `from`, in the present session only: a later one, somebody else's perhaps, starts from its own now. What
   * `position()` gave.
   */
  readonly since?: Position
  /** The server refuses the topic: the state stays what it is. */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/** What a fold needs of its live socket. */
export interface FoldSource {
  readonly clock: Clock
  readonly random: Random
  readonly store: ReadableStore<LiveSocketState>
  /** The present session, whatever it is: another one from the moment at which it ends. */
  session(): unknown
  readonly subscriptions: Pick<Subscriptions, 'add'>
  onGap(listener: (gap: Gap) => void): () => void
  report(message: string, cause?: unknown): void
  /**
   * What may be held while a snapshot is loaded; past it the messages are asked for again, from the snapshot's position
   * on.
   */
  readonly holding: { readonly maxMessages: number; readonly maxBytes: number }
  /** The widest window of the retries of a load, in milliseconds. */
  readonly cap: number
}

export type Reducer<State> = (state: State, data: unknown, info: MessageInfo) => State

/** How long a fold without listeners goes on, in milliseconds: React and routers unsubscribe and subscribe again. */
const RELEASE_DELAY = 1_000

/**
 * The state that a topic's messages add up to: every one of them goes through the reducer, once and in order, and
 * listeners are told once per animation frame at most (by a timer where nothing is painted).
 *
 * It is subscribed from the first listener until a second after the last one has left. In between, and when a listener
 * comes back later, it goes on where it was: the position is remembered, and nothing is folded twice or left out. While
 * it has no subscription `getState()` is the state of that moment. A new session (after a sign-out) starts from
 * `initial` again.
 *
 * A reducer that throws is an `error` event; the state is then as if that message had not come.
 */
export function createFold<State>(
  source: FoldSource,
  topic: string,
  reducer: Reducer<State>,
  initial: State,
  options: FoldOptions<State> = {},
): ReadableStore<State> {
  const { clock, random, store, holding } = source
  const { load, from, since, onError } = checked(options)
  const watch = onError && ((status: TopicStatus) => typeof status === 'object' && onError(status))
  const listeners = new Set<{ readonly call: (state: State, previous: State) => void }>()
  let state = initial
  /** What listeners know. */
  let told = initial
  let cancelFrame: (() => void) | null = null
  /** Everything up to here is in the state. */
  let position: Position | null = startOf(from) ?? since ?? null
  let session = source.session()
  let unwatch: (() => void) | null = null
  let cancelRelease: (() => void) | null = null
  /** While it is subscribed: the undo of it. */
  let attached: { subscription: Subscription | null; readonly undo: () => void } | null = null
  /** The state is what `position` says; else a snapshot is on its way, and messages are held. */
  let joined = load === undefined
  let held: { readonly data: unknown; readonly info: MessageInfo }[] = []
  let heldBytes = 0
  /** Held messages go through the reducer, and more of them are left: the subscription is further than the state. */
  let catching = false
  /** A snapshot from before this is of no use: there is a gap after it. */
  let floor: Position | null = null

  const loading = load
    ? createSnapshotLoad(
        { clock, random, load, cap: source.cap },
        {
          loaded: join,
          failed: (why, retryIn, cause) =>
            source.report(explain`load for "${topic}" ${why}; it is tried again in ${Math.round(retryIn)} ms.`, cause),
        },
      )
    : null

  function change(next: State) {
    if (Object.is(next, state)) return
    state = next
    if (cancelFrame || listeners.size === 0) return
    cancelFrame = clock.frame(() => {
      cancelFrame = null
      const previous = told
      told = state
      if (Object.is(previous, told)) return
      for (const entry of [...listeners]) {
        if (!listeners.has(entry)) continue
        try {
          entry.call(told, previous)
        } catch (thrown) {
          source.report(explain`A listener of the fold of "${topic}" threw; the others were told all the same.`, thrown)
        }
      }
    })
  }

  function received(data: unknown, info: MessageInfo) {
    if (joined) return apply(data, info)
    const bytes = estimateBytes(data)
    if (held.length >= holding.maxMessages || heldBytes + bytes > holding.maxBytes) drop()
    held.push({ data, info })
    heldBytes += bytes
  }

  function drop() {
    held = []
    heldBytes = 0
  }

  function apply(data: unknown, info: MessageInfo) {
    const { epoch, offset } = info
    // A snapshot may contain what the servers have not sent yet.
    if (position?.epoch === epoch && offset <= position.offset) return
    position = { epoch, offset }
    let next: State
    try {
      next = reducer(state, data, info)
    } catch (thrown) {
      return source.report(
        explain`The reducer of "${topic}" threw at offset ${offset}; the state is as if that message had not come.`,
        thrown,
      )
    }
    change(next)
  }

  function gapped({ topic: of, epoch, to }: Gap) {
    if (of !== topic || !attached || !loading) return
    if (joined && position?.epoch === epoch && to !== null && to <= position.offset) return
    joined = false
    floor = { epoch, offset: to ?? 0 }
    drop()
    loading.start(true)
  }

  /** The snapshot and the messages come together here, whichever of them came first. */
  function join(snapshot: Snapshot<State>): string | null {
    const { subscription } = attached!
    const { epoch, offset } = snapshot.position
    if (floor && (floor.epoch !== epoch || floor.offset > offset))
      return explain`gave a snapshot of ${epoch} ${offset}, from before the gap that ends at ${floor.epoch} ${floor.offset}`
    const reached = subscription?.position() ?? null
    if (reached && reached.epoch !== epoch)
      return explain`gave a snapshot of the epoch ${epoch}, while the topic is in ${reached.epoch}`
    // What is held has no holes, and ends where the subscription is by now.
    const [first] = held
    const meets =
      reached !== null && (reached.offset <= offset || (first !== undefined && first.info.offset <= offset + 1))
    const rest = held
    drop()
    floor = null
    joined = true
    position = { epoch, offset }
    change(snapshot.state)
    if (!meets) subscribe(position)
    else catchUp(rest, subscription)
    return null
  }

  function catchUp(rest: typeof held, on: Subscription | null) {
    for (const [at, { data, info }] of rest.entries()) {
      catching = at < rest.length - 1
      apply(data, info)
      // The reducer may have closed the socket, and even opened it again.
      if (!joined || attached?.subscription !== on) break
    }
    catching = false
  }

  /** From there on; whatever came before on another subscription of ours is no more. */
  function subscribe(start: Position | Last | null) {
    const mine = attached!
    const former = mine.subscription
    // First the new one: the topic is not given up in between.
    const fresh = source.subscriptions.add(topic, received, start ?? undefined, false, watch)
    former?.()
    // A message may have come at once, and its reducer may have ended everything.
    if (attached === mine) mine.subscription = fresh
    else fresh()
  }

  function look(now: LiveSocketState, before?: LiveSocketState) {
    if (now.status === 'closed' || source.session() !== session) detach()
    renew()
    if (now.status === 'closed') {
      if (cancelRelease) release()
      return
    }
    attach()
    if (!loading || joined || now.status === 'idle') return
    if (before && before.status !== 'live' && now.status === 'live') loading.hasten()
    loading.start(false)
  }

  function attach() {
    if (attached) return
    renew()
    attached = { subscription: null, undo: source.onGap(gapped) }
    subscribe(joined ? (position ?? from ?? null) : null)
  }

  function detach() {
    if (!attached) return
    const { subscription, undo } = attached
    const reached = subscription?.position() ?? null
    attached = null
    loading?.stop()
    drop()
    floor = null
    // Further than the last message: where it began if none came, and past those that this client may not see.
    if (joined && !catching && reached && !(position?.epoch === reached.epoch && position.offset > reached.offset))
      position = reached
    undo()
    subscription?.()
  }

  /** What was folded belongs to the session that it came in. */
  function renew() {
    const present = source.session()
    if (present === session) return
    session = present
    loading?.forget()
    joined = load === undefined
    position = startOf(from)
    floor = null
    change(initial)
  }

  function release() {
    cancelRelease?.()
    cancelRelease = null
    detach()
    unwatch?.()
    unwatch = null
  }

  return {
    getState() {
      if (!attached) renew()
      return state
    },
    getInitialState: () => initial,
    subscribe(listener) {
      if (typeof listener !== 'function')
        throw new LiveSocketError(
          'invalid',
          explain`subscribe(listener) of the fold of "${topic}": the listener must be a function.`,
        )
      const entry = { call: listener }
      if (listeners.size === 0) told = state
      listeners.add(entry)
      cancelRelease?.()
      cancelRelease = null
      if (!unwatch) {
        unwatch = store.subscribe(look)
        look(store.getState())
      }
      return () => {
        if (!listeners.delete(entry) || listeners.size > 0) return
        cancelFrame?.()
        cancelFrame = null
        if (store.getState().status === 'closed') release()
        else cancelRelease = clock.setTimeout(release, RELEASE_DELAY)
      }
    },
  }
}

function startOf(from: Position | Last | undefined): Position | null {
  return from && 'epoch' in from ? from : null
}

function checked<State>(options: FoldOptions<State>): FoldOptions<State> {
  if (typeof options !== 'object' || options === null)
    throw new LiveSocketError(
      'invalid',
      explain`fold(topic, reducer, initial, options): the options are an object { load } or { from }.`,
    )
  const { load, from, since, onError } = options
  optionalFunction('onError', onError)
  if (load !== undefined && typeof load !== 'function')
    throw new LiveSocketError('invalid', explain`fold(…, { load }): load must be a function.`)
  if (load && (from ?? since))
    throw new LiveSocketError(
      'invalid',
      explain`fold(…, { load, from }): the snapshot says from where to go on, so \`from\` is not needed.`,
    )
  return { load, from, since, onError }
}
