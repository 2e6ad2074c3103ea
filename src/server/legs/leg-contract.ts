import type { ServerFrame } from '../../protocol/frames.js'
import type { Failure } from '../failure.js'

/** One connection, from its opening on, as the server knows it. */
export interface ServerLeg<User> {
  /** The session that its `hello` named; undefined until then. */
  readonly session: string | undefined
  /** Null until its `hello` was accepted. */
  readonly who: LegOwner<User> | null
  /**
   * Sends an error and closes. A welcomed leg first gets the answers to what it published: to everything that it sent,
   * or only to what is under way.
   */
  fail(failure: Failure, answers?: 'all' | 'under way'): void
  send(frame: Extract<ServerFrame, { type: 'handover' | 'handover-cancelled' | 'token' }>): void
  /**
   * Calls `then` as soon as the owner is known, if that is being asked now. Whoever answers it need not know yet of an
   * order about that user that arrives meanwhile.
   */
  whenKnown(then: (who: LegOwner<User>) => void): void
  /**
   * Makes its token end in `within` milliseconds and tells the client; this includes a token that is being checked now.
   * False if the leg has no token, or one that ends sooner.
   */
  renewToken(within: number): boolean
  /** Sends something if the leg has been silent for long; ends a leg that is dead, or whose token has ended. */
  checkSilence(now: number, ask: { readonly quiet: number; readonly dead: number }): void
  terminate(): void
}

export interface LegOwner<User> {
  readonly session: string
  user: User
  readonly subject: string | undefined
  /** Whether the leg has shown a token. */
  token: boolean
}
