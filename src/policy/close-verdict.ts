/** After this many bad closes in a row a client stops, as `closed.by: 'protocol'`: more attempts repair no protocol. */
export const BAD_CLOSES = 3

/** The parts of an `error` frame that this policy reads. */
export interface LegError {
  readonly code: string
  readonly message: string
  readonly topic?: string
  readonly id?: string
  /** Milliseconds. */
  readonly retryAfter?: number
  /** Milliseconds. */
  readonly spread?: number
}

/** How the only leg of a session ended. */
export interface Close {
  /** The close code. Meaningless if the socket never opened. */
  readonly code: number
  readonly reason?: string
  /** The last error frame on the leg that concerned the leg itself: see `isAboutLeg`. */
  readonly error?: LegError
  /** The WebSocket handshake succeeded. */
  readonly opened: boolean
  /** A `welcome` had arrived. */
  readonly welcomed: boolean
  /**
   * There is local evidence that only this client was hit: silence found by the heartbeat, a network change, a wake
   * from sleep.
   */
  readonly onlyMe: boolean
  /**
   * The leg existed when the page was told, a moment ago, that the user may be leaving it. If the link was a download,
   * the page lives on, but Firefox has closed all its sockets: open ones with 1001, and dials that were under way.
   */
  readonly leaving: boolean
  /** The server had asked this leg to hand over, and the request was still open. */
  readonly asked: boolean
}

interface Retry {
  readonly do: 'retry'
  /**
   * `spread`: a delay like everybody's. `early`: the first attempt of a client that was hit alone. `busy`: after
   * `retryAfter` and a random part of `spread`.
   */
  readonly backoff: 'spread' | 'early' | 'busy'
  /** Milliseconds. */
  readonly retryAfter?: number | undefined
  /** Milliseconds. Absent: as for any reconnection. */
  readonly spread?: number | undefined
  /** Counts towards `BAD_CLOSES`, and must be reported. */
  readonly bad?: true
  /** The browser closed it. This is no failure of a server, however often it happens. */
  readonly ours?: true
}

/** The fields that only a retry has. */
type NoRetry = { readonly [Of in Exclude<keyof Retry, 'do'>]?: undefined }

export type Verdict =
  | Retry
  /** Fetch a fresh token, then dial at once. If that token is refused too, the session has ended. */
  | (NoRetry & { readonly do: 'renew-token' })
  | (NoRetry & {
      readonly do: 'stop'
      readonly by: 'app' | 'server' | 'session-ended' | 'forbidden' | 'superseded' | 'protocol'
      readonly code: number
      readonly reason?: string
    })

const SPREAD: Verdict = { do: 'retry', backoff: 'spread' }
const EARLY: Verdict = { do: 'retry', backoff: 'early' }
const OURS: Verdict = { do: 'retry', backoff: 'early', ours: true }
const BAD: Verdict = { do: 'retry', backoff: 'spread', bad: true }
const RENEW: Verdict = { do: 'renew-token' }

/** Whether an error frame concerns the leg or the session, not a single topic, publish or subscribe. */
export function isAboutLeg(error: LegError): boolean {
  return endsSession(error) || (error.topic === undefined && error.id === undefined)
}

function endsSession(error: LegError): boolean {
  return error.code === 'session-ended' || error.code === 'superseded'
}

/** Whether a close follows this error in the protocol, which is so if the table has a row for its code. */
export function isFinal({ code }: LegError): boolean {
  // The row's content depends on the close, but only its existence matters here.
  return byCode(code, {} as Close) !== undefined
}

/**
 * What the end of a session's only leg means: the error frame's code decides first, then the close code.
 *
 * @param ask what the application's `onClose` answered. `stop` stops. `retry` keeps the table's way of trying again if
 *   it has one, and turns a stop into a spread retry. It is ignored for `session-ended` and `superseded`.
 */
export function closeVerdict(close: Close, ask?: 'retry' | 'stop'): Verdict {
  const error =
    close.error !== undefined && (isAboutLeg(close.error) || close.error.code === 'too-large') ? close.error : undefined
  const byTable = (error && byCode(error.code, close, error)) ?? byClose(close)
  if (ask === undefined || (error && endsSession(error))) return byTable
  if (ask === 'stop') return stop('app', close, error)
  // The application decides after each bad close, so it counts them itself.
  return byTable.do === 'stop' || 'bad' in byTable ? SPREAD : byTable
}

function byClose(close: Close): Verdict {
  const { code, opened, leaving, onlyMe, welcomed } = close
  if (leaving && (code === 1001 || !opened)) return OURS
  // A failed dial shows 1006, 1000 or 1015, depending on the browser and the wrapper: the code means nothing.
  if (!opened) return SPREAD
  const byTable = byCode(code, close)
  if (byTable) return byTable
  if (code >= 4400 && code <= 4499) return stop('server', close)
  // Below 3000 these are 1005, 1006, 1011, 1014, 1015 and codes that no standard names. A leg that was never welcomed
  // proves nothing about its server.
  return onlyMe && welcomed && !(code >= 3000) ? EARLY : SPREAD
}

/** The protocol's two tables in one: error codes are words, close codes are numbers. */
function byCode(code: string | number, close: Close, error?: LegError): Verdict | undefined {
  switch (code) {
    case 'unauthorized':
    case 1008:
    case 3000:
      return RENEW
    case 'session-ended':
    case 'forbidden':
    case 'superseded':
      return stop(code, close, error)
    case 3003:
      return stop('forbidden', close)
    case 'draining':
    case 1001:
    case 1012:
    case 1013:
      return SPREAD
    case 'timeout':
      // The server waited in vain for a client that stood still: that says nothing about the server.
      return close.onlyMe ? EARLY : SPREAD
    case 'busy':
      return { do: 'retry', backoff: 'busy', retryAfter: error?.retryAfter, spread: error?.spread }
    case 'too-slow':
      return EARLY
    case 'too-large':
      // One publish was at fault. Its caller has the error and it is not sent again, so there is no reason to wait.
      return error?.id !== undefined && close.code === 1009 ? EARLY : undefined
    case 'protocol':
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 1010:
      return BAD
    case 1000:
      // While a handover request is open, an orderly server may end the leg this way. It is the end of the leg that the
      // server had announced, and by client rule 7 the dial goes on.
      return close.asked ? SPREAD : stop('server', close)
  }
}

function stop(by: (Verdict & { do: 'stop' })['by'], close: Close, error?: LegError): Verdict {
  const reason = error?.message || close.reason
  return { do: 'stop', by, code: close.code, ...(reason ? { reason } : undefined) }
}
