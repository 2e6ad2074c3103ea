import { MAX_URL, MAX_WORDS } from '../../protocol/fields.js'
import { numberOf, textOf } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import { askingRate } from './drain-rate.js'

/** How a server is emptied. Durations are milliseconds. */
export interface DrainOptions {
  /**
   * How many legs the servers that take them can carry in any second. A little fewer are asked to hand over, because
   * they come in bunches; and fewer where handovers take long, so that no more than three seconds' worth are on their
   * way at a time, as long as all can still be asked in time. Default: 200 are asked, or as many more as it takes to
   * reach all within half the deadline.
   */
  readonly rate?: number
  /** Milliseconds until what is still here is closed, at most a day. Default 30,000. */
  readonly deadline?: number
  /**
   * Where to hand over to, a `ws:` or `wss:` URL. Clients follow it to origins that they trust. Default: where they
   * came from.
   */
  readonly url?: string
  /** In words, for logs and timelines. Default `deploy`. */
  readonly reason?: string
  /** Milliseconds over which each client spreads its own handover, on top of the pace, at most a day. Default 0. */
  readonly spread?: number
  /**
   * Whether the deadline is put off where it shows that it cannot be met: legs leave more slowly than they would have
   * to. It goes on as long as any leave. The event `drain-late` tells of it either way. Default false: what is still
   * here is closed.
   */
  readonly extendable?: boolean
  /** Cancels: those asked are told to stay, and new legs are taken again. */
  readonly signal?: AbortSignal
  /**
   * Whether the deadline is now once it shows that nobody else takes the legs: 1.5 s after the start none has handed
   * over, and those that were asked only came back here. The event `drain-alone` tells of it either way. Default: true
   * unless `NODE_ENV` is `production`, so that a server that is developed on restarts at once.
   */
  readonly endWhenAlone?: boolean
}

/** What a drain came to, in legs. */
export interface DrainResult {
  /** Legs that went by themselves. */
  readonly moved: number
  /** Legs that were closed at the deadline. */
  readonly forced: number
}

/** What was given, with defaults in place. */
export type CheckedDrain = ReturnType<typeof checkedDrain>

/** @param legs that there are to hand over. Throws `invalid` for options that make no sense. */
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
