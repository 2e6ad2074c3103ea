import { createStore } from 'zustand/vanilla'
import type { LiveSocketError } from '../base/errors.js'
import type { Position } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import type { Published } from '../publishes/outbox.js'
import { insidesOf, sessionOf } from '../socket/insides.js'
import type { SocketOf } from './register.js'
import type { TopicStore } from './use-topic-store.js'

/** A publish of this socket whose message is not among the messages yet. */
export interface OwnPublish<Data = unknown, Topic extends string = string> {
  readonly topic: Topic
  /** The id that its message will have. Undefined if the publish was refused before it had one. */
  readonly id: string | undefined
  readonly data: Data
  /** `pending`, or why it failed. After `outcome-unknown` its message may still come, and then takes its place. */
  readonly own: 'pending' | LiveSocketError
  /** Stops showing it. */
  readonly dismiss: () => void
}

interface Kept extends OwnPublish {
  readonly session: unknown
  /**
   * Set when the server has applied it, in the epoch of that moment. Its message is the one at this position, or is
   * hidden from its publisher.
   */
  readonly at?: Published
}

/**
 * What this socket publishes to a topic while somebody listens, in its order, from the call until the message arrives.
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
        /** Replaces this publish by `into`; without arguments it is removed. */
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

/** The publishes of this session whose messages are not among these and can still come after them. */
export function notYetAmong(
  messages: readonly (Position & { readonly id?: string | undefined })[],
  own: readonly Kept[],
  socket: SocketOf<any>,
  session: unknown,
): readonly Kept[] {
  const ids = new Set(messages.flatMap(({ id }) => id ?? []))
  // No message comes in another epoch than the topic's present one, if that is known.
  const mayCome = ({ topic, at }: Kept) =>
    !at ||
    (at.offset !== undefined &&
      (socket.position(topic)?.epoch ?? at.epoch) === at.epoch &&
      !reaches(messages.at(-1), at as Position))
  return own.filter((one) => one.session === session && !ids.has(one.id!) && mayCome(one))
}
