/** After so many bad closes in a row a client stops, as `closed.by: 'protocol'`: trying further repairs no protocol. */
export const BAD_CLOSES = 3

/** What this policy reads of an `error` frame. */
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

/** How a session's only leg ended. */
export interface Close {
  /** The close code. Means nothing where the socket never opened. */
  readonly code: number
  readonly reason?: string
  /** The last error frame of the leg that was about the leg: see `isAboutLeg`. */
  readonly error?: LegError
  /** The WebSocket handshake was through. */
  readonly opened: boolean
  /** A `welcome` had arrived. */
  readonly welcomed: boolean
  /**
   * There is local evidence that only this client was hit: silence found by the heartbeat, a network change, a wake
   * from sleep.
   */
  readonly onlyMe: boolean
  /**
   * The leg was there when the page was told, a moment ago, that it may be left. It lives on at a download link, and
   * Firefox has closed all its sockets: open ones with 1001, and dials on their way.
   */
  readonly leaving: boolean
  /** A handover request of the server was outstanding on the leg. */
  readonly asked: boolean
}

interface Retry {
  readonly do: 'retry'
  /**
   * `spread`: as everybody. `early`: the first attempt of a client that was hit alone. `busy`: after `retryAfter` and a
   * random part of `spread`.
   */
  readonly backoff: 'spread' | 'early' | 'busy'
  /** Milliseconds. */
  readonly retryAfter?: number | undefined
  /** Milliseconds. Absent: as any reconnection. */
  readonly spread?: number | undefined
  /** Counts towards `BAD_CLOSES`, and is to be reported. */
  readonly bad?: true
  /** The browser did it: no failure of a server, however often it happens. */
  readonly ours?: true
}

/** What only a retry has. */
type NoRetry = { readonly [Of in Exclude<keyof Retry, 'do'>]?: undefined }

export type Verdict =
  | Retry
  /** A fresh token, then a dial at once; refused again with that one, the session has ended. */
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

/** Whether an error frame speaks of the leg or the session, not of one topic, publish or subscribe. */
export function isAboutLeg(error: LegError): boolean {
  return endsSession(error) || (error.topic === undefined && error.id === undefined)
}

function endsSession(error: LegError): boolean {
  return error.code === 'session-ended' || error.code === 'superseded'
}

/** Whether the protocol follows it with a close: it does where the table has a row for it. */
export function isFinal({ code }: LegError): boolean {
  // Of the close there is only whether it comes.
  return byCode(code, {} as Close) !== undefined
}

/**
 * What the end of a session's only leg means: an error frame's code first, then the close code.
 *
 * @param ask what the application's `onClose` said. `stop` stops. `retry` keeps the table's way of trying again where
 * it has one, and turns a stop into a spread retry. Against `session-ended` and `superseded` it is not heard.
 */
export function closeVerdict(close: Close, ask?: 'retry' | 'stop'): Verdict {
  const error =
    close.error !== undefined && (isAboutLeg(close.error) || close.error.code === 'too-large') ? close.error : undefined
  const byTable = (error && byCode(error.code, close, error)) ?? byClose(close)
  if (ask === undefined || (error && endsSession(error))) return byTable
  if (ask === 'stop') return stop('app', close, error)
  // The application has taken over the counting of bad closes: it is asked each time.
  return byTable.do === 'stop' || 'bad' in byTable ? SPREAD : byTable
}

function byClose(close: Close): Verdict {
  const { code, opened, leaving, onlyMe, welcomed } = close
  if (leaving && (code === 1001 || !opened)) return OURS
  // A dial that failed shows 1006, or 1000 or 1015, according to the browser and the wrapper: the code is noise.
  if (!opened) return SPREAD
  const byTable = byCode(code, close)
  if (byTable) return byTable
  if (code >= 4400 && code <= 4499) return stop('server', close)
  // Below 3000 these are 1005, 1006, 1011, 1014, 1015 and what no standard names. A leg that was never welcomed proves
  // nothing about its server.
  return onlyMe && welcomed && !(code >= 3000) ? EARLY : SPREAD
}

/** The protocol's two tables in one: codes of error frames are words, close codes numbers. */
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
      // A client that stood still was waited for in vain: that says nothing of the server.
      return close.onlyMe ? EARLY : SPREAD
    case 'busy':
      return { do: 'retry', backoff: 'busy', retryAfter: error?.retryAfter, spread: error?.spread }
    case 'too-slow':
      return EARLY
    case 'too-large':
      // One publish was at fault, it has been told, and it is not sent again: there is nothing to be careful about.
      return error?.id !== undefined && close.code === 1009 ? EARLY : undefined
    case 'protocol':
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 1010:
      return BAD
    case 1000:
      // While a request to hand over is outstanding a tidy server may end the leg this way: it is the leg's end that it
      // had announced, and by client rule 7 the dial goes on when the server closes it.
      return close.asked ? SPREAD : stop('server', close)
  }
}

function stop(by: (Verdict & { do: 'stop' })['by'], close: Close, error?: LegError): Verdict {
  const reason = error?.message || close.reason
  return { do: 'stop', by, code: close.code, ...(reason ? { reason } : undefined) }
}
