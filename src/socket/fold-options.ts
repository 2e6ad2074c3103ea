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
   * `position()` gave, or what gives it when the topic is subscribed.
   */
  readonly since?: Position | (() => Position | null) | undefined
  /** The server refuses the topic: the state stays what it is. */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/** What a fold needs of its live socket. */
export interface FoldSource {
  readonly settings: SnapshotLoadDeps & {
    /**
     * What may be held while a snapshot is loaded; past it the messages are asked for again, from the snapshot's
     * position on.
     */
    readonly holding: { readonly maxMessages: number; readonly maxBytes: number }
  }
  readonly store: ReadableStore<LiveSocketState>
  /** The present session, whatever it is: another one from the moment at which it ends. */
  readonly session: unknown
  readonly subscriptions: Pick<Subscriptions, 'add' | 'position' | 'status'>
  readonly events: Pick<Emitter<LiveSocketEvents>, 'on'>
  report(message: string, cause?: unknown): void
}

export type Reducer<State> = (state: State, data: unknown, info: MessageInfo) => State

/** Throws `invalid` where they are none, or contradict each other. */
export function foldOptions<State>(options: FoldOptions<State>): FoldOptions<State> {
  if (!isObject(options)) throw invalid('options', explain`an object { load } or { from }`, options)
  const { load, from, since, onError } = options as FoldOptions<State>
  optionalFunction('load', load)
  optionalFunction('onError', onError)
  if (from || typeof since !== 'function') checkStart(from ?? since)
  if (load && (from ?? since))
    throw invalid('from', explain`absent beside load: the snapshot says from where to go on`, from)
  return { load, from, since, onError }
}
