import type { Position } from './frames.js'

/** Methods with this prefix belong to the library: a server answers them without a handler of the application. */
export const OWN_METHOD = 'livesocket.'

export const HISTORY = 'livesocket.history'

/** Who is in a topic: the request is `MembersAsk`, the answer is `MembersAnswer`. */
export const PRESENCE = 'livesocket.presence'
/** This session is in the topic, with this data from now on: `EnterAsk`. */
export const ENTER = 'livesocket.presence.enter'
/** This session has left the topic: `LeaveAsk`. */
export const LEAVE = 'livesocket.presence.leave'

/** What `history` asks for: the newest `limit` messages that are kept from before a position, or from before now. */
export interface HistoryAsk {
  readonly topic: string
  readonly limit: number
  readonly before?: Position
}

export interface HistoryAnswer {
  readonly epoch: string
  /** Oldest first. */
  readonly messages: readonly {
    readonly offset: number
    readonly data: unknown
    readonly id?: string
    readonly by?: unknown
  }[]
}
