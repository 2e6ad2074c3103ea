import type { Position } from './frames.js'

/** Methods of this prefix are the library's own: a server answers them without a handler of the application's. */
export const OWN_METHOD = 'livesocket.'

export const HISTORY = 'livesocket.history'

/** Who is in a topic: asked with `MembersAsk`, answered with `MembersAnswer`. */
export const PRESENCE = 'livesocket.presence'
/** This session is in the topic, with that data from now on: `EnterAsk`. */
export const ENTER = 'livesocket.presence.enter'
/** It is not any more: `LeaveAsk`. */
export const LEAVE = 'livesocket.presence.leave'

/** What `history` asks: the newest `limit` messages that are kept before that position, or before now. */
export interface HistoryAsk {
  readonly topic: string
  readonly limit: number
  readonly before?: Position
}

export interface HistoryAnswer {
  readonly epoch: string
  /** The oldest first. */
  readonly messages: readonly {
    readonly offset: number
    readonly data: unknown
    readonly id?: string
    readonly by?: unknown
  }[]
}
