import { createStore } from 'zustand/vanilla'
import type { LiveSocketError } from '../base/errors.js'
import type { Published } from '../publishes/outbox.js'
import { insidesOf, ownPublishes, sessionOf } from '../socket/insides.js'
import type { ReadableStore } from '../socket/store.js'

/** One's own publish that is not among the messages yet. */
export interface OwnPublish<Data = unknown, Topic extends string = string> {
  readonly topic: Topic
  /** That of its message, once that comes; undefined where it was refused before it had one. */
  readonly id: string | undefined
  readonly data: Data
  /** On its way; or why it failed: `outcome-unknown` may come yet, and then the message takes its place. */
  readonly own: 'pending' | LiveSocketError
  /** Shows it no longer. */
  readonly dismiss: () => void
}

interface Kept extends OwnPublish {
  readonly session: unknown
  /** Applied: its message is the one there, or is hidden from its publisher. In the numbering of that moment. */
  readonly at?: Published
}

interface Seen {
  readonly id?: string | undefined
  readonly epoch: string
  readonly offset: number
}

/** The numbering that the topic has now; undefined where that is not known. */
export function epochOf(socket: object, topic: string): string | undefined {
  return insidesOf(socket)?.subscriptions.position(topic)?.epoch
}

/**
 * What this socket publishes to a topic while somebody listens, in its order, from its making to its message.
 *
 * @param most how many are kept, the newest.
 */
export function createOwnPublishes(socket: object, topic: string, most: number): ReadableStore<readonly Kept[]> {
  const kept = createStore<readonly Kept[]>(() => [])

  function add(data: unknown, outcome: Promise<Published> & { readonly id?: string }) {
    /** What becomes of it; null: it is gone. */
    const turn = (to: Partial<Kept> | null) =>
      kept.setState((all) => all.flatMap((one) => (one.dismiss !== dismiss ? one : to ? { ...one, ...to } : [])), true)
    const dismiss = () => turn(null)
    const mine: Kept = { topic, id: outcome.id, data, own: 'pending', dismiss, session: sessionOf(socket) }
    kept.setState((all) => [...all, mine].slice(-most), true)
    outcome.then(
      (at) => turn({ at: { epoch: epochOf(socket, topic)!, ...at } }),
      (error: LiveSocketError) => turn({ own: error }),
    )
  }

  return {
    ...kept,
    subscribe(listener) {
      const leave = kept.subscribe(listener)
      const undo = ownPublishes(socket, (to, data, outcome) => {
        if (to === topic) add(data, outcome)
      })
      return () => {
        leave()
        undo()
      }
    },
  }
}

/**
 * Those whose message is not among these, and may still come behind them.
 *
 * @param epoch the numbering that the topic has now: nothing comes of another one.
 */
export function notYetAmong(
  own: readonly Kept[],
  messages: readonly Seen[],
  session: unknown,
  epoch: string | undefined,
): readonly Kept[] {
  if (own.length === 0) return own
  const ids = new Set(messages.map(({ id }) => id))
  const newest = messages.at(-1)
  const isPast = ({ offset, epoch: of = epoch }: Published) =>
    offset === undefined ||
    (epoch !== undefined && of !== epoch) ||
    (newest !== undefined && newest.epoch === of && offset <= newest.offset)
  return own.filter(
    ({ id, at, session: of }) => of === session && !(id !== undefined && ids.has(id)) && !(at && isPast(at)),
  )
}
