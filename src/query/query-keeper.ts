import { instant, since } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { Gap } from '../topics/gap.js'
import { reconnectDelay } from '../policy/delay.js'
import type { Position } from '../protocol/frames.js'
import type { Insides } from '../socket/insides.js'
import type { CoreSocket } from '../socket/live-socket.js'
import { inside } from '../socket/reading.js'
import { LASTED, RETRY_SPREAD, snapshotOf, type Snapshot } from '../socket/snapshot-load.js'
import { estimateBytes } from '../topics/holding.js'
import type { MessageInfo } from '../topics/message.js'
import type { KeepCurrentOptions } from './options.js'
import type { CachedQuery, QueryClientLike } from './query-client.js'

type Options = KeepCurrentOptions<any, any, any>
type Use = Pick<Options, 'reducer' | 'onError'>

/**
 * Joins one query and one topic. The position in the query's data says what the data contain, whoever has written them:
 * a fetch, a message, a mutation, a cancelled fetch that restored earlier data, a server that rendered the page.
 * Messages since `#base` are kept as long as a fetch may restore data from then on; for earlier data the server replays
 * the rest.
 *
 * It lives until the query has left the cache, even if nothing keeps the query current meanwhile: the next user to sign
 * in must not see the former user's data.
 */
export class QueryKeeper {
  /** One for each call of `keepCurrent` that has not been stopped, the newest last. */
  readonly #uses = new Set<Use>()
  readonly #client: QueryClientLike
  readonly #inside: Insides
  readonly #exactly: { readonly queryKey: readonly unknown[]; readonly exact: true }
  readonly #undo: (() => void)[]
  #session: unknown
  /** The session of these data has ended, and no other one has begun. */
  #isOver
  #unsubscribe: (() => void) | undefined
  /** The subscription hears of refusals, for the `onError` of the newest use. */
  #hears = false
  /** The position from which messages are kept. Null while nothing is subscribed. */
  #base: Position | null = null
  #joinedAt
  #kept: { readonly data: unknown; readonly info: MessageInfo }[] = []
  #bytes = 0
  #cancelFrame: (() => void) | undefined
  /** The position of data that are followed by a gap. */
  #dead: Position | null = null
  #failures = 0
  #cancelWait: (() => void) | undefined
  /** Data that are no snapshot, and have been reported. */
  #wrong: unknown

  constructor(
    readonly socket: CoreSocket<any, any, any>,
    readonly topic: string,
    { client, queryKey }: Pick<Options, 'client' | 'queryKey'>,
    readonly hash: string,
    isOver: boolean,
    readonly ended: () => void,
  ) {
    this.#inside = inside(socket)
    this.#client = client
    this.#exactly = { queryKey, exact: true }
    this.#session = this.#inside.session
    this.#isOver = isOver
    this.#joinedAt = instant(this.#inside.settings.clock)
    this.#undo = [
      // The cache notifies synchronously, within the write.
      client.getQueryCache().subscribe(({ query }) => {
        if (query.queryHash === hash) this.#look()
      }),
      socket.store.subscribe(() => this.#look()),
      socket.on('gap', (gap) => this.#gapped(gap)),
    ]
  }

  get users(): number {
    return this.#uses.size
  }

  /** The newest use decides which `reducer` and `onError` are called. */
  get #use(): Use | undefined {
    return [...this.#uses].at(-1)
  }

  use(use: Use): () => void {
    const mine = { ...use }
    this.#uses.add(mine)
    this.#look()
    return () => {
      if (this.#uses.delete(mine)) this.#look()
    }
  }

  end() {
    this.#detach()
    for (const undo of this.#undo) undo()
    this.ended()
  }

  /** Resets the query to what it was before its first fetch; removes it if nobody observes it. */
  wipe() {
    this.#detach()
    const query = this.#query()
    if (this.users || query?.getObserversCount()) query?.reset()
    else this.#client.removeQueries(this.#exactly)
  }

  #query(): CachedQuery | undefined {
    return this.#client.getQueryCache().get(this.hash)
  }

  /** Subscribes or unsubscribes as the data and the session require. */
  #look() {
    this.#renew()
    const query = this.#query()
    if (!this.users && !query) return this.end()
    const data = query?.state.data
    if (!this.users || data === undefined) return this.#detach()
    const snapshot = snapshotOf(data)
    if (typeof snapshot === 'string') {
      this.#detach()
      if (data !== this.#wrong)
        this.#inside.report(explain`The query ${this.hash} ${snapshot}: "${this.topic}" cannot keep it current.`)
      this.#wrong = data
      return
    }
    const { position } = data as Snapshot<unknown>
    if (position === this.#dead) {
      if (query!.state.fetchStatus === 'idle') this.#refetch()
      return
    }
    this.#dead = null
    const isHeard = this.#hears === !!this.#use!.onError
    if (isHeard && this.#base?.epoch === position.epoch && this.#base.offset <= position.offset) this.#flush()
    else this.#subscribe(snapshot.position)
  }

  #renew() {
    const session = this.#inside.session
    if (session !== this.#session) {
      this.#session = session
      this.#isOver = true
      this.#failures = 0
      this.wipe()
    }
    if (!this.#isOver || this.socket.store.getState().status === 'closed') return
    this.#isOver = false
    // Data fetched since the sign-out may still be those of the former user.
    this.wipe()
    void this.#client.refetchQueries(this.#exactly, { cancelRefetch: true })
  }

  #subscribe(from: Position) {
    const former = this.#unsubscribe
    this.#drop(from)
    this.#joinedAt = instant(this.#inside.settings.clock)
    const onError = this.#use!.onError && ((error: LiveSocketError) => this.#use!.onError!(error))
    this.#hears = !!onError
    // The new subscription comes first, so that the topic is not unsubscribed in between.
    this.#unsubscribe = this.socket.subscribe(this.topic, (data, info) => this.#received(data, info), {
      since: from,
      onError,
    })
    former?.()
  }

  #detach() {
    this.#drop(null)
    this.#cancelWait?.()
    this.#cancelWait = undefined
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  /** Drops what is kept. What arrives from here on follows `base`. */
  #drop(base: Position | null) {
    this.#base = base
    this.#kept = []
    this.#bytes = 0
    this.#cancelFrame?.()
    this.#cancelFrame = undefined
  }

  #received(data: unknown, info: MessageInfo) {
    const { clock, holding } = this.#inside.settings
    const bytes = estimateBytes(data)
    if (this.#kept.length >= holding.maxMessages || this.#bytes + bytes > holding.maxBytes) {
      const last = this.#reached()
      this.#flush()
      // For a fetch that restores earlier data than this the server replays the rest.
      if (last && this.#base) this.#drop(last)
    }
    if (!this.#base) return
    this.#kept.push({ data, info })
    this.#bytes += bytes
    this.#cancelFrame ??= clock.frame(() => this.#flush())
  }

  #reached(): Position | null {
    return this.#kept.at(-1)?.info ?? this.#base
  }

  /** Writes everything that is kept and not in the data yet, in one write. */
  #flush() {
    this.#cancelFrame?.()
    this.#cancelFrame = undefined
    const query = this.#query()!
    const before = query.state.data as Snapshot<unknown>
    const kept = this.#kept
    let { state, position } = before
    for (const { data, info } of kept) {
      const { epoch, offset } = info
      if (offset <= position.offset) continue
      position = { epoch, offset }
      try {
        state = this.#use!.reducer(state, data, info)
      } catch (thrown) {
        this.#inside.report(
          explain`The reducer of "${this.topic}" threw at offset ${offset}; the state is as if that message had not come.`,
          thrown,
        )
      }
      // The reducer may have signed out.
      if (this.#kept !== kept) return
    }
    if (query.state.fetchStatus === 'idle') this.#drop({ epoch: position.epoch, offset: position.offset })
    if (position !== before.position) this.#client.setQueryData(this.#exactly.queryKey, { ...before, state, position })
  }

  #gapped({ topic, epoch, to }: Gap) {
    const reached = this.#reached()
    if (topic !== this.topic || !reached) return
    if (reached.epoch === epoch && to !== null && to <= reached.offset) return
    this.#flush()
    if (!this.#base) return
    this.#dead = (this.#query()!.state.data as Snapshot<unknown>).position
    this.#detach()
    if (since(this.#inside.settings.clock, this.#joinedAt) >= LASTED) this.#failures = 0
    this.#look()
  }

  /** Fetches again after a random delay, because a gap may have hit every client at once. */
  #refetch() {
    if (this.#cancelWait) return
    const { clock, random, reconnect } = this.#inside.settings
    const { cap } = reconnect
    const failures = this.#failures++
    const delay = reconnectDelay({ failures, early: failures === 0, spread: RETRY_SPREAD, cap }, random)
    this.#cancelWait = clock.setTimeout(() => {
      this.#cancelWait = undefined
      // A fetch that is under way will do.
      void this.#client.refetchQueries(this.#exactly, { cancelRefetch: false })
    }, delay)
  }
}
