import type { LegSocket } from './leg-socket.js'
import { invalid, quoted } from '../invalid.js'
import { callOut } from '../reporter.js'
import type { Counters } from '../counters.js'
import type { ReaderSink } from '../topics/topic-reader.js'

export interface Visibility<User> {
  readonly topic: string
  readonly data: unknown
  readonly offset: number
  readonly user: User
  readonly session: string
}

/** See `LiveServerOptions`. */
export type Filter<User> = (ask: Visibility<User>) => boolean

export interface LegSinkDeps<User> {
  readonly filter: Filter<User> | undefined
  readonly counters: Counters
  readonly socket: LegSocket
  who(): { readonly session: string; readonly user: User }
  onError(error: unknown, doing: string): void
}

/** Where the topics of one leg go. */
export function createLegSink<User>({ filter, counters, socket, who, onError }: LegSinkDeps<User>): ReaderSink {
  return {
    message(frame) {
      counters.delivered++
      socket.sendMessage(frame)
    },
    missed: (count) => void (counters.missed += count),
    subscribed: (topic, answer) => socket.send({ type: 'subscribed', topics: new Map([[topic, answer]]) }),
    hasRoom: socket.hasRoom,
    whenRoom: socket.whenRoom,
    ...(filter && {
      sees(topic, entry) {
        const { user, session } = who()
        let sees: unknown = false
        const failed = (error: unknown) => onError(error, `filtering the topic ${quoted(topic)}`)
        callOut(() => (sees = filter({ topic, data: entry.value(), offset: entry.offset, user, session })), failed)
        if (typeof sees !== 'boolean')
          failed(
            invalid(
              `filter must answer true or false at once, not ${sees === null ? 'null' : typeof sees}: the message was hidden`,
            ),
          )
        return sees === true
      },
    }),
  }
}
