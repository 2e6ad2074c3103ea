import { MAX_URL, MAX_WORDS } from '../../protocol/fields.js'
import { numberOf, textOf } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import { askingRate } from './drain-rate.js'

/** How a server drains. Durations are milliseconds. */
export interface DrainOptions {
  /**
   * How many legs a second the servers that take them can carry. Slightly fewer a second are asked to hand over,
   * because they arrive in bunches. Even fewer are asked if handovers take long, so that at most three seconds' worth
   * are under way at a time, as long as all can still be asked in time. Default: 200 a second, or as many as it takes
   * to ask all within half the deadline, if that is more.
   */
  readonly rate?: number
  /** Milliseconds until the legs that are still here are closed, at most a day. Default 30,000. */
  readonly deadline?: number
  /**
   * Where to hand over to: a `ws:` or `wss:` URL. Clients follow it only to origins that they trust. Default: the URL
   * that they came from.
   */
  readonly url?: string
  /** The reason in words, for logs and timelines. Default `deploy`. */
  readonly reason?: string
  /** Milliseconds over which each client spreads its own handover, on top of the rate; at most a day. Default 0. */
  readonly spread?: number
  /**
   * Whether the deadline is extended when it becomes clear that it cannot be met, because legs leave too slowly. It is
   * extended as long as any leg leaves. The event `drain-late` reports it in either case. Default false: legs that are
   * still here are closed.
   */
  readonly extendable?: boolean
  /** Aborting it cancels the drain: legs that were asked are told to stay, and new legs are accepted again. */
  readonly signal?: AbortSignal
  /**
   * Whether the deadline is now when it becomes clear that no other server takes the legs: 1.5 s after the start no leg
   * has handed over, and those that were asked only came back here. The event `drain-alone` reports it in either case.
   * Default: true unless `NODE_ENV` is `production`, so that a server under development restarts at once.
   */
  readonly endWhenAlone?: boolean
}

/** The result of a drain, as numbers of legs. */
export interface DrainResult {
  /** Legs that left on their own. */
  readonly moved: number
  /** Legs that were closed at the deadline. */
  readonly forced: number
}

/** The options, with defaults filled in. */
export type CheckedDrain = ReturnType<typeof checkedDrain>

/**
 * Checks the options. Throws `invalid` for options that make no sense.
 *
 * @param legs the number of legs to hand over.
 */
export function checkedDrain(options: DrainOptions, legs: number) {
  const {
    rate,
    url,
    reason = 'deploy',
    signal,
    endWhenAlone = process.env['NODE_ENV'] !== 'production',
    extendable = false,
  } = options
  const deadline = numberOf('drain.deadline', options.deadline)
  const most = numberOf('drain.rate', rate)
  textOf('drain.reason', reason, MAX_WORDS)
  if (typeof extendable !== 'boolean') throw invalid(`extendable must be true or false, not ${shown(extendable)}`)
  if (typeof endWhenAlone !== 'boolean') throw invalid(`endWhenAlone must be true or false, not ${shown(endWhenAlone)}`)
  if (url !== undefined && !isSocketUrl(url))
    throw invalid(`url must be an absolute ws: or wss: URL without user info, not ${shown(url)}`)
  return {
    rate:
      rate === undefined ? Math.max(most, deadline > 0 ? Math.ceil(legs / (deadline / 2_000)) : 0) : askingRate(most),
    deadline,
    spread: numberOf('drain.spread', options.spread),
    reason,
    url,
    signal,
    endWhenAlone,
    extendable,
  }
}

function isSocketUrl(url: unknown): boolean {
  if (typeof url !== 'string' || url.length > MAX_URL || !URL.canParse(url)) return false
  const { protocol, username, password } = new URL(url)
  return (protocol === 'ws:' || protocol === 'wss:') && username === '' && password === ''
}
