/** Why a leg is closed: the code of the `error` frame. It determines the close code, as docs/protocol.md lists them. */
export type FailureCode = keyof typeof CLOSE_CODES

export interface Failure {
  readonly code: FailureCode
  readonly message: string
  readonly id?: string
  readonly retryAfter?: number
  /** Milliseconds over which clients spread their next dial, after `retryAfter`. */
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

/**
 * The identity service could not say who the client is, and may be back soon. Clients spread their next dial after
 * `retryAfter`.
 */
export const UNTOLD: Failure = {
  code: 'busy',
  message: 'The server cannot check at present who this is.',
  retryAfter: 1_000,
}

/** The log could not be reached. It may be back soon, and other legs will retry as well. */
export const LOG_AWAY: Failure = { code: 'busy', message: 'The server cannot reach its log.', retryAfter: 1_000 }
