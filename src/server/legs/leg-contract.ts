import type { ServerFrame } from '../../protocol/frames.js'
import type { Failure } from '../failure.js'

/** One connection, from its opening on, as the server knows it. */
export interface ServerLeg<User> {
  /** What its hello said; undefined until then. */
  readonly session: string | undefined
  /** Null until its hello was taken. */
  readonly who: LegOwner<User> | null
  /**
   * An error and then the close. A welcomed leg first gets the answers to what it published: all of it, or what is
   * under way.
   */
  fail(failure: Failure, answers?: 'all' | 'under way'): void
  send(frame: Extract<ServerFrame, { type: 'handover' | 'handover-cancelled' | 'token' }>): void
  /**
   * Calls `then` once it is known whose it is, where that is being asked now: whoever was asked need not know of what is
   * said of that user meanwhile.
   */
  whenKnown(then: (who: LegOwner<User>) => void): void
  /**
   * Its token ends in `within` milliseconds, and the client is told, also of one that is being checked now. False where
   * it has none, or one that ends sooner.
   */
  renewToken(within: number): boolean
  /** Says something if it has been silent for long; ends a leg that is dead, or past its token. */
  checkSilence(now: number, ask: { readonly quiet: number; readonly dead: number }): void
  terminate(): void
}

export interface LegOwner<User> {
  readonly session: string
  user: User
  readonly subject: string | undefined
  /** Whether it has shown a token. */
  token: boolean
}
