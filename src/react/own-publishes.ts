import { createStore } from 'zustand/vanilla'
import type { LiveSocketError } from '../base/errors.js'
import type { Position } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import type { Published } from '../publishes/outbox.js'
import { insidesOf, sessionOf } from '../socket/insides.js'
import type { SocketOf } from './register.js'
import type { TopicStore } from './use-topic-store.js'

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

/**
 * What this socket publishes to a topic while somebody listens, in its order, from its making to its message.
 *
 * @param most how many are kept, the newest.
 */
export function createOwnPublishes(
  socket: SocketOf<any>,
  topic: string,
  most: () => number,
): TopicStore<readonly Kept[]> {
  const kept = createStore<readonly Kept[]>(() => [])
  return {
    ...kept,
    open: () =>
      insidesOf(socket)?.events.on('publish', ({ topic: to, data, outcome }) => {
        if (to !== topic) return
        /** What becomes of it; nothing: it is gone. */
        const turn = (...into: Kept[]) =>
          kept.setState((all) => all.flatMap((one) => (one.dismiss === dismiss ? into : one)), true)
        const dismiss = () => turn()
        const mine: Kept = { topic, id: outcome.id, data, own: 'pending', dismiss, session: sessionOf(socket) }
        kept.setState((all) => [...all, mine].slice(-most()), true)
        outcome.then(
          (at) => turn({ ...mine, at: { epoch: socket.position(topic)?.epoch, ...at } as Published }),
          (own: LiveSocketError) => turn({ ...mine, own }),
        )
      }),
  }
}

/** Those of this session whose message is not among these, and may still come behind them. */
export function notYetAmong(
  messages: readonly (Position & { readonly id?: string | undefined })[],
  own: readonly Kept[],
  socket: SocketOf<any>,
  session: unknown,
): readonly Kept[] {
  const ids = new Set(messages.flatMap(({ id }) => id ?? []))
  // Nothing comes of another numbering than the topic has now, where that is known.
  const mayCome = ({ topic, at }: Kept) =>
    !at ||
    (at.offset !== undefined &&
      (socket.position(topic)?.epoch ?? at.epoch) === at.epoch &&
      !reaches(messages.at(-1), at as Position))
  return own.filter((one) => one.session === session && !ids.has(one.id!) && mayCome(one))
}
