/** Why a leg is closed: the code of the `error` frame, and with it the close code, as docs/protocol.md has them. */
export type FailureCode = keyof typeof CLOSE_CODES

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly id?: string
  readonly retryAfter?: number
  /** Milliseconds over which clients spread themselves after `retryAfter`. */
  readonly spread?: number
}

export const CLOSE_CODES = {
  unauthorized: 3000,
  'session-ended': 3000,
  forbidden: 3003,
  timeout: 3008,
  draining: 1012,
  busy: 1013,
  superseded: 4001,
  'too-slow': 4002,
  'too-large': 1009,
  protocol: 1002,
} as const

export const DRAINING: Failure = { code: 'draining', message: 'This server is going away.' }

/** Who it is could not be told: the identity service may be back soon. Clients spread what comes after `retryAfter`. */
export const UNTOLD: Failure = { code: 'busy', message: 'Who this is cannot be told now.', retryAfter: 1_000 }

/** The log could not be asked. It may be back soon, and other legs will ask as well. */
export const LOG_AWAY: Failure = { code: 'busy', message: 'The server cannot reach its log.', retryAfter: 1_000 }
