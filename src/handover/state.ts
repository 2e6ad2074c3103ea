import type { Instant } from '../base/clock.js'
import type { Verdict } from '../policy/close-verdict.js'

/** What a session's legs are at: all that the machine knows. */
export interface State {
  readonly status: 'idle' | 'open' | 'closed'
  /** Serves the application. */
  readonly active: Seat | null
  /** Dialled and not yet welcomed. Once welcomed it is the active one, in the same step. */
  readonly standby: (Seat & { readonly url: string | null }) | null
  /** The former active leg, serving until it has nothing more to give. */
  readonly old: Seat | null
  /**
   * `timer`: the next dial waits for its moment. `room`: its moment has come, and it waits for the old leg to go, since
   * there are never three.
   */
  readonly wait: 'none' | 'timer' | 'room'
  /** The server refuses a second leg while the first one lives: a handover is the shortest break instead. */
  readonly exclusive: boolean
  /** Such a server was left for a leg that is not there yet. */
  readonly between: boolean
  /** Legs dialled in this session; the newest bears this number. */
  readonly legs: number
  /** Failed dials and early deaths since a leg last lived long enough to be trusted. */
  readonly failures: number
  /** Of those, the ones in a row that say that the two sides do not understand each other. */
  readonly misunderstandings: number
  /** Dials of the present handover that came to nothing. */
  readonly tries: number
  /** Of those, the ones in a row that failed before their socket opened. */
  readonly unopened: number
}

/**
 * A leg, and what was asked of it. The request stays with its leg: what was asked of the old leg holds again should it
 * serve again.
 */
export interface Seat {
  readonly leg: number
  readonly ask: HandoverAsk | null
}

/** Somebody wants this leg to be left. */
export interface HandoverAsk {
  readonly id: string
  readonly reason: string
  readonly by: 'server' | 'client'
  /** Where it asks to go, in turn with the configured URL once a dial failed; null is the configured URL alone. */
  readonly url: string | null
  /**
   * When it was asked, and the milliseconds from then on after which the leg may be closed. Of no concern to the
   * machine.
   */
  readonly at: Instant
  readonly deadline: number
  /** Milliseconds over which the first dial is spread. Of no concern to the machine either. */
  readonly spread: number
  /**
   * Its deadline has passed: the leg is kept until the server closes it, and the dial goes on, at a reconnection's
   * pace.
   */
  readonly expired: boolean
}

/** Why a client wants to leave a leg by itself. */
export type ClientReason = 'application' | 'silence' | 'network' | 'token' | 'age' | 'unanswered'

/** How long the next dial waits; `dial-delay.ts` draws the number. */
export interface Backoff {
  /** `asked`: a request's own spread, and the dwell after a cutover. `again`: within a handover. */
  readonly kind: 'now' | 'asked' | 'again' | 'spread' | 'early' | 'busy'
  /** Dials that came to nothing before it. Default 0. */
  readonly failures?: number
  /** Of those, the ones in a row that failed before their socket opened. Default 0. */
  readonly unopened?: number
  /** The server that was dialled is busy for so many ms, and wants its clients spread over as many more. */
  readonly retryAfter?: number
  readonly spread?: number
}

export type Stop = {
  readonly by: 'app' | 'server' | 'signed-out' | 'session-ended' | 'forbidden' | 'superseded' | 'protocol'
  readonly code?: number
  readonly reason?: string
}

export type Event =
  /** `held`: nobody is there to see it yet; the dial waits for `dial`. */
  | { readonly type: 'connect'; readonly fresh: boolean; readonly exclusive?: boolean; readonly held?: boolean }
  | { readonly type: 'stop'; readonly stop: Stop }
  /** The moment that `wait` waits for. */
  | { readonly type: 'due' }
  /** The network came back, or somebody is in a hurry: a dial that waits need not. */
  | { readonly type: 'dial'; readonly backoff: 'now' | 'early' }
  /** The page is stored: every leg goes, and the next dial is asked for when it is back. */
  | { readonly type: 'suspend'; readonly lasted: boolean }
  /** The deadline of what the active leg was asked. */
  | { readonly type: 'deadline' }
  /** The end of the time of one dial, which an active leg that is silent has whatever it was asked: it is dead then. */
  | { readonly type: 'silent'; readonly lasted: boolean }
  /** The old leg has nothing more to give, or may give no more. */
  | { readonly type: 'old-done' }
  /** A standby leg was welcomed. `same`: by the very server that serves the active leg. */
  | { readonly type: 'ready'; readonly leg: number; readonly same: boolean }
  /** `opened`: its socket had been open. `lasted`: it lived long enough after its welcome to be trusted, here and wherever a leg ends. */
  | {
      readonly type: 'died'
      readonly leg: number
      readonly code: number
      readonly verdict: Verdict
      readonly opened: boolean
      readonly lasted: boolean
    }
  /** Held messages are past their bound. */
  | { readonly type: 'overflow' }
  | { readonly type: 'asked'; readonly leg: number; readonly ask: HandoverAsk }
  | { readonly type: 'cancelled'; readonly leg: number; readonly id: string }

export type Effect =
  | { readonly do: 'dial'; readonly leg: number; readonly url: string | null; readonly ask: HandoverAsk | null }
  | { readonly do: 'close'; readonly leg: number; readonly why: CloseReason }
  | { readonly do: 'delay'; readonly backoff: Backoff }
  | { readonly do: 'serve'; readonly leg: number }
  | {
      readonly do: 'failed'
      readonly ask: HandoverAsk
      readonly why: 'deadline' | 'cancelled' | 'superseded' | 'recovered'
    }
  | { readonly do: 'stopped'; readonly stop: Stop }

export type CloseReason = 'handed-over' | 'exclusive' | 'dropped' | 'same-server' | 'silent' | 'suspended' | 'stopped'
