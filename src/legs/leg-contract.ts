import type { Clock, Instant, Present } from '../base/clock.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame, TopicAnswers, WelcomeFrame } from '../protocol/frames.js'
import type { Protocol } from '../protocol/protocol.js'

/** One leg from its dial to its end: fetches what the dial needs, says hello, is welcomed, keeps its heartbeat. */
export interface ProtocolLeg {
  readonly number: number
  /** The id of the request that caused this leg. */
  readonly handover: string | undefined
  /** Where it was dialled, without the query; empty before that is known. */
  readonly url: string
  readonly token: string | undefined
  /** Set by its welcome. */
  readonly welcome: Pick<WelcomeFrame, 'server' | 'maxFrame'> | null
  readonly welcomedAt: Instant | null
  readonly dialledAt: Instant
  /** Nothing was heard for too long, and it did not answer when it was asked: since when. Null: it is no such leg. */
  readonly silentSince: Instant | null
  /** What its welcome says of topics, which is kept until it is asked for: nothing at a second time. */
  takeAnswers(): TopicAnswers
  /** False where it is not open, or the protocol has no such frame. */
  send(frame: ClientFrame): boolean
  /** The token that it bears now, after an in-band renewal. */
  renewed(token: string): void
  /** It still owes an answer that no other leg can give. */
  readonly owes: boolean
  /**
   * Asks for a sign of life; without one in `timeout` ms the leg is silent. Nothing where legs are never to be
   * suspected.
   */
  probe(timeout: number): void
  /** Not welcomed yet, it has to be within so many ms. */
  shortenDial(patience: number): void
  /** From here on nothing of this leg is ever heard of again. */
  close(code: number, reason?: string): void
}

export interface LegEnd {
  readonly code: number
  readonly reason: string
  readonly opened: boolean
  /** What the server said of the leg before it closed it. */
  readonly error: ErrorFrame | undefined
}

export interface ProtocolLegHandlers {
  opened(): void
  /** Something has come, whatever it says. */
  arrived(at: Instant): void
  frame(frame: ServerFrame): void
  invalid(rejected: Rejected): void
  silent(): void
  died(end: LegEnd): void
}

export interface ProtocolLegDeps {
  readonly number: number
  readonly handover: string | undefined
  readonly clock: Clock
  readonly present: Present
  readonly protocol: Protocol
  readonly WebSocket: unknown
  readonly connectTimeout: number
  /** The part of `connectTimeout` by which the socket has to be open, ms. */
  readonly openTimeout: number
  readonly heartbeat: { readonly interval: number; readonly timeout: number } | false
  /** A token to say hello with. */
  token(signal: AbortSignal): Promise<string | undefined>
  url(signal: AbortSignal): Promise<URL>
  hello(token: string | undefined): ClientFrame
}
