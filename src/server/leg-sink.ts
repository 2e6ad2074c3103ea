import type { LegSocket } from './leg-socket.js'
import type { ServerLimits } from './limits.js'
import type { LiveServerOptions } from './options.js'
import type { Counters } from './stats.js'
import type { ReaderSink } from './topic-reader.js'

export interface LegSinkDeps<User> extends Pick<LiveServerOptions<User>, 'filter'> {
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly socket: LegSocket
  who(): { readonly session: string; readonly user: User }
  /** More is waiting to be read than a leg may cost. */
  tooSlow(): void
  onError(error: unknown, doing: string): void
}

/** Where the topics of one leg go. */
export function createLegSink<User>({ filter, limits, counters, socket, who, tooSlow, onError }: LegSinkDeps<User>): ReaderSink {
  return {
    message(frame) {
      counters.delivered++
      socket.sendEncoded(frame)
      if (socket.buffered() > limits.maxBuffered) tooSlow()
    },
    subscribed: (topic, answer) => socket.send({ type: 'subscribed', topics: new Map([[topic, answer]]) }),
    // A replay leaves most of the bound to what is live.
    hasRoom: () => socket.hasRoom(limits.maxBuffered / 4),
    whenRoom: (then) => socket.whenRoom(then),
    ...(filter && {
      sees(topic, entry) {
        const { user, session } = who()
        try {
          return filter({ topic, data: entry.value(), offset: entry.offset, user, session }) === true
        } catch (error) {
          onError(error, `filtering the topic ${topic}`)
          return false
        }
      },
    }),
  }
}
