import { explain } from '../base/explanation.js'
import { givenFunction } from '../options/option-table.js'
import type { Gap } from '../topics/gap.js'
import { estimateBytes } from '../topics/holding.js'
import type { Subscription, TopicStatus } from '../topics/subscriptions.js'
import type { MessageInfo } from '../topics/message.js'
import type { Last, Position } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import { FoldListeners } from './fold-listeners.js'
import { foldOptions, type FoldOptions, type FoldSource, type Reducer } from './fold-options.js'
import { createSnapshotLoad, type Snapshot, type SnapshotLoad, type SnapshotLoadHandlers } from './snapshot-load.js'
import type { LiveSocketState, ReadableStore } from './store.js'

/**
 * Milliseconds that a fold keeps its subscription without listeners: React and routers unsubscribe and subscribe again.
 */
const RELEASE_DELAY = 1_000

/**
 * The state that a topic's messages add up to. Every message goes through the reducer, once and in order. Listeners are
 * called at most once per animation frame (by a timer where nothing is painted).
 *
 * The topic is subscribed from the first listener until one second after the last one has left. When a listener comes
 * back later the fold continues from the position that it remembers: no message is folded twice or left out. While the
 * fold has no subscription, `getState()` returns the state that it had reached. A new session (after a sign-out) starts
 * from `initial` again.
 *
 * If the reducer throws, that is an `error` event, and the state stays as if that message had not come.
 *
 * @param release how long the subscription lasts without listeners, in milliseconds; with 0 it ends with the last
 * listener.
 */
export function createFold<State>(
  source: FoldSource,
  topic: string,
  reducer: Reducer<State>,
  initial: State,
  options: FoldOptions<State> = {},
  release = RELEASE_DELAY,
): ReadableStore<State> {
  const fold = new TopicFold(source, topic, reducer, initial, foldOptions(options), release)
  return {
    getState: () => fold.state,
    getInitialState: () => initial,
    subscribe: (listener) => fold.listen(listener),
  }
}

/** The messages that arrived while a snapshot is being loaded. */
interface Held {
  readonly messages: { readonly data: unknown; readonly info: MessageInfo }[]
  bytes: number
  /** A snapshot of an earlier position than this is useless: a gap follows it. */
  readonly floor: Position | null
}

class TopicFold<State> implements SnapshotLoadHandlers<State> {
  readonly #source: FoldSource
  readonly #topic: string
  readonly #reducer: Reducer<State>
  readonly #initial: State
  readonly #from: Position | Last | undefined
  readonly #watch: ((status: TopicStatus) => void) | undefined
  readonly #loading: SnapshotLoad | null
  readonly #releaseDelay: number
  readonly #listeners: FoldListeners<State>
  /** Everything up to this position is in the state. */
  #position: Position | null = null
  /** Where the fold begins in its first session. */
  #since: (() => Position | null) | null
  #session: unknown
  #unwatch: (() => void) | null = null
  #cancelRelease: (() => void) | null = null
  /** While the topic is subscribed: the subscription, and how to stop listening for gaps. */
  #attached: { subscription: Subscription | null; readonly undo: () => void } | null = null
  /** Null: the state is complete up to `#position`. */
  #held: Held | null = null
  /** Held messages are going through the reducer and more of them are left: the subscription is ahead of the state. */
  #catching = false

  constructor(
    source: FoldSource,
    topic: string,
    reducer: Reducer<State>,
    initial: State,
    { load, from, since, onError }: FoldOptions<State>,
    releaseDelay: number,
  ) {
    this.#releaseDelay = releaseDelay
    this.#source = source
    this.#topic = topic
    this.#reducer = reducer
    this.#initial = initial
    this.#from = from
    this.#watch = onError && ((status) => typeof status === 'object' && onError(status))
    this.#listeners = new FoldListeners(source, topic, initial)
    this.#since = typeof since === 'function' ? since : () => since ?? null
    this.#session = source.session
    this.#loading = load ? createSnapshotLoad(source.settings, load, this) : null
    if (load) this.#hold(null)
  }

  get state(): State {
    if (!this.#attached) this.#renew()
    return this.#listeners.state
  }

  listen(listener: (state: State, previous: State) => void): () => void {
    givenFunction('listener', listener)
    const { store, settings } = this.#source
    const remove = this.#listeners.add(listener)
    this.#cancelRelease?.()
    this.#cancelRelease = null
    if (!this.#unwatch) {
      this.#unwatch = store.subscribe((now, before) => this.#look(now, before))
      this.#look(store.getState())
    }
    return () => {
      if (!remove()) return
      const delay = this.#releaseDelay
      if (delay === 0 || store.getState().status === 'closed') this.#release()
      else this.#cancelRelease = settings.clock.setTimeout(() => this.#release(), delay)
    }
  }

  // Reacting to the live socket's state.

  #look(now: LiveSocketState, before?: LiveSocketState) {
    if (now.status === 'closed' || this.#source.session !== this.#session) this.#detach()
    this.#renew()
    if (now.status === 'closed') {
      if (this.#cancelRelease) this.#release()
      return
    }
    this.#attach()
    if (!this.#held || now.status === 'idle') return
    if (before && before.status !== 'live' && now.status === 'live') this.#loading!.retry()
    this.#loading!.start(false)
  }

  #attach() {
    if (this.#attached) return
    this.#attached = { subscription: null, undo: this.#source.events.on('gap', (gap) => this.#gapped(gap)) }
    this.#position ??= this.#since?.() ?? null
    this.#subscribe(this.#held ? undefined : (this.#position ?? this.#from))
  }

  #detach() {
    if (!this.#attached) return
    const { subscription, undo } = this.#attached
    const reached = subscription?.position() ?? null
    this.#attached = null
    // The subscription can be ahead of the last message: it may have begun without one, and it passes messages that
    // this client may not see.
    if (this.#held) this.#hold(null)
    else if (!this.#catching && reached && !reaches(this.#position, reached)) this.#position = reached
    undo()
    subscription?.()
    // This comes last, because a listener of the abort signal may listen or connect again.
    this.#loading?.stop()
  }

  /** Starts over when the session has changed: the state belongs to the session in which it was folded. */
  #renew() {
    const present = this.#source.session
    if (present === this.#session) return
    this.#session = present
    this.#loading?.forget()
    if (this.#loading) this.#hold(null)
    this.#position = this.#since = null
    this.#listeners.change(this.#initial)
  }

  #release() {
    this.#cancelRelease?.()
    this.#cancelRelease = null
    this.#unwatch?.()
    this.#unwatch = null
    this.#detach()
  }

  /** Subscribes from `start`, and ends the fold's earlier subscription. */
  #subscribe(start: Position | Last | undefined) {
    const mine = this.#attached!
    const former = mine.subscription
    // The new subscription comes first, so that the topic is not unsubscribed in between.
    const fresh = this.#source.subscriptions.add(
      this.#topic,
      (data, info) => this.#attached === mine && this.#received(data, info),
      this.#watch,
      start,
    )
    former?.()
    // A message may have arrived at once, and its reducer may have ended everything.
    if (this.#attached === mine) mine.subscription = fresh
    else fresh()
  }

  // Messages and gaps of the topic.

  #received(data: unknown, info: MessageInfo) {
    let held = this.#held
    if (!held) return this.#apply(data, info)
    const { maxMessages, maxBytes } = this.#source.settings.holding
    const bytes = estimateBytes(data)
    if (held.messages.length >= maxMessages || held.bytes + bytes > maxBytes) held = this.#hold(held.floor)
    held.messages.push({ data, info })
    held.bytes += bytes
  }

  /** Holds messages from here on, and drops those held so far. */
  #hold(floor: Position | null): Held {
    return (this.#held = { messages: [], bytes: 0, floor })
  }

  #apply(data: unknown, info: MessageInfo) {
    const { session } = this.#source
    // The snapshot may already contain messages that arrive only now.
    if (reaches(this.#position, info)) return
    this.#position = info
    let next: State
    try {
      next = this.#reducer.call(undefined, this.#listeners.state, data, info)
    } catch (thrown) {
      return this.#source.report(
        explain`A handler or reducer of "${this.#topic}" threw at offset ${info.offset}; the message counts as delivered, and the state stays as if it had not come.`,
        thrown,
      )
    }
    // The reducer may have signed out: its result then belongs to the previous session.
    if (session === this.#source.session) this.#listeners.change(next)
  }

  #gapped({ topic, epoch, to }: Gap) {
    if (topic !== this.#topic || !this.#attached || !this.#loading) return
    if (!this.#held && to !== null && reaches(this.#position, { epoch, offset: to })) return
    this.#hold({ epoch, offset: to ?? 0 })
    this.#loading.start(true)
  }

  // Results of a load.

  failed(why: string, retryIn: number, cause?: unknown): void {
    this.#source.report(explain`load for "${this.#topic}" ${why}; the next try is in ${Math.round(retryIn)} ms.`, cause)
  }

  /** Joins the snapshot and the messages, whichever came first. */
  loaded(snapshot: Snapshot<State>): string | null {
    const { subscription } = this.#attached!
    const { epoch, offset } = snapshot.position
    // The held messages have no holes between them, and the last one is where the subscription is.
    const { messages, floor } = this.#held!
    if (floor && !reaches(snapshot.position, floor))
      return explain`gave a snapshot of ${epoch} ${offset}, from before the gap that ends at ${floor.epoch} ${floor.offset}`
    const reached = subscription?.position() ?? null
    if (reached && reached.epoch !== epoch)
      return explain`gave a snapshot of the epoch ${epoch}, while the topic is in ${reached.epoch}`
    const [first] = messages
    const meets =
      reached !== null && (reached.offset <= offset || (first !== undefined && first.info.offset <= offset + 1))
    this.#held = null
    const start = (this.#position = snapshot.position)
    this.#listeners.change(snapshot.state)
    if (!meets) this.#subscribe(start)
    else this.#catchUp(messages, subscription)
    return null
  }

  #catchUp(rest: Held['messages'], on: Subscription | null) {
    for (const [at, { data, info }] of rest.entries()) {
      this.#catching = at < rest.length - 1
      this.#apply(data, info)
      // The reducer may have closed the socket, or even closed and reopened it.
      if (this.#held || this.#attached?.subscription !== on) break
    }
    this.#catching = false
  }
}
