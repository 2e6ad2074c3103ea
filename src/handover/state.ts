import type { Instant } from '../base/clock.js'
import type { Verdict } from '../policy/close-verdict.js'

/** The state of a session's legs: everything that the machine knows. */
export interface State {
  readonly status: 'idle' | 'open' | 'closed'
  /** The leg that serves the application. */
  readonly active: Seat | null
  /** The leg that is dialled and not yet welcomed. Its welcome makes it the active leg in the same step. */
  readonly standby: (Seat & { readonly url: string | null }) | null
  /** The previous active leg, serving until it has nothing more to deliver. */
  readonly old: Seat | null
  /**
   * `timer`: the next dial waits for its time. `room`: its time has come, and it waits for the old leg to close, since
   * there are never three legs.
   */
  readonly wait: 'none' | 'timer' | 'room'
  /** The server refuses a second leg while the first one lives, so a handover is a break, as short as possible. */
  readonly exclusive: boolean
  /** The leg of such a server was closed, and the next one is not there yet. */
  readonly between: boolean
  /** The number of legs dialled in this session, and so the newest leg's number. */
  readonly legs: number
  /** Failed dials and early deaths since a leg last lived long enough to be trusted. */
  readonly failures: number
  /** How many of the latest failures in a row say that the two sides do not understand each other. */
  readonly misunderstandings: number
  /** How many dials of the current handover have failed. */
  readonly tries: number
  /** How many of the latest dials in a row failed before their socket opened. */
  readonly unopened: number
}

/**
 * A leg and the request to leave it. The request stays with its leg: the old leg's request holds again should that leg
 * serve again.
 */
export interface Seat {
  readonly leg: number
  readonly ask: HandoverAsk | null
}

/** A request, by the server or the client, to leave this leg. */
export interface HandoverAsk {
  readonly id: string
  readonly reason: string
  readonly by: 'server' | 'client'
  /**
   * The address that it names, which takes turns with the configured URL after a failed dial; null: the configured URL
   * only.
   */
  readonly url: string | null
  /**
   * `at`: the time of the request. `deadline`: the milliseconds from then on after which the leg may be closed. The
   * machine uses neither.
   */
  readonly at: Instant
  readonly deadline: number
  /** Milliseconds over which the first dial is spread. The machine does not use this either. */
  readonly spread: number
  /**
   * The deadline has passed: the leg is kept until the server closes it, and dialling goes on at a reconnection's pace.
   */
  readonly expired: boolean
}

/** Why the client itself wants to leave a leg. */
export type ClientReason = 'application' | 'silence' | 'network' | 'token' | 'age' | 'unanswered'

/** How the next dial is delayed; `dial-delay.ts` draws the time. */
export interface Backoff {
  /** `asked`: a request's own spread, and the dwell after a cutover. `again`: a further dial within a handover. */
  readonly kind: 'now' | 'asked' | 'again' | 'spread' | 'early' | 'busy'
  /** How many dials failed before this one. Default 0. */
  readonly failures?: number
  /** How many of those, in a row up to the last one, failed before their socket opened. Default 0. */
  readonly unopened?: number
  /** The dialled server is busy for `retryAfter` ms, and wants its clients spread over `spread` more. */
  readonly retryAfter?: number
  readonly spread?: number
}

export type Stop = {
  readonly by: 'app' | 'server' | 'signed-out' | 'session-ended' | 'forbidden' | 'superseded' | 'protocol'
  readonly code?: number
  readonly reason?: string
}

export type Event =
  /** `held`: the page is not opened by a user yet, so the dial waits for `dial`. */
  | { readonly type: 'connect'; readonly fresh: boolean; readonly exclusive?: boolean; readonly held?: boolean }
  | { readonly type: 'stop'; readonly stop: Stop }
  /** The wait of `wait` is over. */
  | { readonly type: 'due' }
  /** The network came back, or the application wants a connection now: a waiting dial need not wait longer. */
  | { readonly type: 'dial'; readonly backoff: 'now' | 'early' }
  /**
   * The page goes into the back/forward cache: every leg is closed, and the next dial is requested when the page is
   * back.
   */
  | { readonly type: 'suspend'; readonly lasted: boolean }
  /** The deadline of the active leg's request has passed. */
  | { readonly type: 'deadline' }
  /** An active leg has been silent for the time of one dial, whatever it was asked: it is dead. */
  | { readonly type: 'silent'; readonly lasted: boolean }
  /** The old leg has nothing more to deliver, or its time is over. */
  | { readonly type: 'old-done' }
  /** A standby leg was welcomed. `same`: by the very server that serves the active leg. */
  | { readonly type: 'ready'; readonly leg: number; readonly same: boolean }
  /**
   * A leg has ended. `opened`: its socket had opened. `lasted` (in other events too): it lived long enough after its
   * welcome to be trusted.
   */
  | {
      readonly type: 'died'
      readonly leg: number
      readonly code: number
      readonly verdict: Verdict
      readonly opened: boolean
      readonly lasted: boolean
    }
  /** More messages are held than allowed. */
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
