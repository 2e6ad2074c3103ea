import { explain } from '../base/explanation.js'
import type { LiveSocketError } from '../base/errors.js'
import type { Emitter } from '../base/emitter.js'
import type { LiveSocketEvents } from '../handover/events.js'
import { invalid, isObject, optionalFunction } from '../options/option-table.js'
import type { Subscriptions } from '../topics/subscriptions.js'
import type { MessageInfo } from '../topics/message.js'
import type { Last, Position } from '../protocol/frames.js'
import { checkStart } from './topic-arguments.js'
import type { LoadSnapshot, SnapshotLoadDeps } from './snapshot-load.js'
import type { LiveSocketState, ReadableStore } from './store.js'

/** Where a fold begins, and how it loads its first state. */
export interface FoldOptions<State> {
  /**
   * Fetches the first state, and its position, from the application's own API. The topic is subscribed at the same
   * time. Messages that arrive before the answer are held, and those that the snapshot already contains are skipped.
   * After a gap, and when the topic starts a new epoch, `load` is called again; the state stays as it was until then. A
   * failed load is an `error` event and is retried.
   */
  readonly load?: LoadSnapshot<State>
  /**
   * Without `load`: start after this position, or with the last n messages that are kept (`{ last: n }`), instead of
   * now.
   */
  readonly from?: Position | Last
  /**
   * Like `from`, but for the present session only: a later session, perhaps another user's, starts from now. Takes what
   * `position()` returned, or a function that returns it when the topic is subscribed.
   */
  readonly since?: Position | (() => Position | null) | undefined
  /** Called when the server refuses the topic. The state stays as it is. */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/** What a fold needs of its live socket. */
export interface FoldSource {
  readonly settings: SnapshotLoadDeps & {
    /**
     * The bounds of what is held while a snapshot is being loaded. Beyond them the held messages are dropped, and
     * requested again from the snapshot's position on.
     */
    readonly holding: { readonly maxMessages: number; readonly maxBytes: number }
  }
  readonly store: ReadableStore<LiveSocketState>
  /** Identifies the present session. As soon as a session ends this is a different value. */
  readonly session: unknown
  readonly subscriptions: Pick<Subscriptions, 'add' | 'position' | 'status'>
  readonly events: Pick<Emitter<LiveSocketEvents>, 'on'>
  report(message: string, cause?: unknown): void
}

export type Reducer<State> = (state: State, data: unknown, info: MessageInfo) => State

/** Throws `invalid` if the options are wrong or contradict each other. */
export function foldOptions<State>(options: FoldOptions<State>): FoldOptions<State> {
  if (!isObject(options)) throw invalid('options', explain`an object { load } or { from }`, options)
  const { load, from, since, onError } = options as FoldOptions<State>
  optionalFunction('load', load)
  optionalFunction('onError', onError)
  if (from || typeof since !== 'function') checkStart(from ?? since)
  if (load && (from ?? since))
    throw invalid(
      'from',
      explain`absent when load is given: the fold continues from the position of the snapshot`,
      from,
    )
  return { load, from, since, onError }
}
