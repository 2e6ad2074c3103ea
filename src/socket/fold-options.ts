import { explain } from '../base/explanation.js'
import type { Clock, Random } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { Gap } from '../topics/gap.js'
import { optionalFunction } from '../options/option-table.js'
import type { Subscriptions } from '../topics/subscriptions.js'
import type { MessageInfo } from '../topics/message.js'
import type { Last, Position } from '../protocol/frames.js'
import type { LoadSnapshot } from './snapshot-load.js'
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
  readonly clock: Clock
  readonly random: Random
  readonly store: ReadableStore<LiveSocketState>
  /** The present session, whatever it is: another one from the moment at which it ends. */
  session(): unknown
  readonly subscriptions: Pick<Subscriptions, 'add' | 'position' | 'status'>
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

/** Throws `invalid` where they are none, or contradict each other. */
export function foldOptions<State>(options: FoldOptions<State>): FoldOptions<State> {
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
