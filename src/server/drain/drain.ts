import { nanoid } from 'nanoid'
import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { MAX_URL, MAX_WORDS } from '../../protocol/fields.js'
import { numberOf, textOf } from '../bounds.js'
import { askingRate, createPace } from './drain-pace.js'
import { createDrainWindow } from './drain-window.js'
import { DRAINING } from '../failure.js'
import { invalid, shown } from '../invalid.js'
import type { ServerEvent } from '../server-event.js'
import type { ServerLeg } from '../legs/server-leg.js'

/** How a server is emptied. Durations are milliseconds. */
export interface DrainOptions {
  /**
   * How many legs the servers that take them can carry in any second. A little fewer are asked to move, because they
   * come in bunches; and fewer where moves take long, so that no more than three seconds' worth are on their way at a
   * time, as long as all can still be asked in time. Default: 200 are asked, or as many more as it takes to reach all
   * within half the deadline.
   */
  readonly rate?: number
  /** Milliseconds until what is still here is closed, at most a day. Default 30,000. */
  readonly deadline?: number
  /**
   * Where to move, a `ws:` or `wss:` URL. Clients follow it to origins that they trust. Default: where they came from.
   */
  readonly url?: string
  /** In words, for logs and timelines. Default `deploy`. */
  readonly reason?: string
  /** Milliseconds over which each client spreads its own move, on top of the pace, at most a day. Default 0. */
  readonly spread?: number
  /**
   * Whether the deadline is put off where it shows that it cannot be met: legs leave more slowly than they would have to.
   * It goes on as long as any leave. The event `drain-late` tells of it either way. Default false: what is still here is
   * closed.
   */
  readonly extendable?: boolean
  /** Cancels: those asked are told to stay, and new legs are taken again. */
  readonly signal?: AbortSignal
  /**
   * Whether the deadline is now once it shows that nobody else takes the legs: 1.5 s after the start none has moved,
   * and those that were asked only came back here. The event `drain-alone` tells of it either way. Default: true unless
   * `NODE_ENV` is `production`, so that a server that is developed on restarts at once.
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

/** Empties a server of its legs. */
export interface Drain {
  /** Whether new legs are refused: from the start of a drain on, and after it, until it is cancelled. */
  readonly refusing: boolean
  /** While one is going on, or is done, the same promise. Throws `invalid` for options that make no sense. */
  start(options?: DrainOptions): Promise<DrainResult>
  /** Throws `invalid` for options that make no sense. */
  check(options?: DrainOptions): void
  /** False: there was nothing to cancel. */
  cancel(): boolean
  /** The deadline is now. */
  force(): void
  /** A new leg was refused because of it. */
  cameBack(): void
  /** A leg that was asked cannot move yet: there is no room for it, for so many milliseconds. */
  delayed(leg: ServerLeg<unknown>, retryAfter: number): void
  /** A leg is gone, for whatever reason. */
  gone(leg: ServerLeg<unknown>): void
  /** Legs that are still to go. */
  readonly left: number
  /** Milliseconds until they have gone, at the pace at which they leave, at first at the rate; null: they do not leave. */
  readonly takes: number | null
}

export interface DrainDeps {
  readonly clock: Clock
  /** The welcomed legs. */
  legs(): Iterable<ServerLeg<unknown>>
  /** Refuses those that are not welcomed yet. */
  refusePending(): void
  asked(): void
  onEvent(event: ServerEvent): void
  onError(error: unknown, doing: string): void
}

/** While as many as may be are on their way, it is looked again so often whether some have gone. */
const CROWDED = 50
/**
 * Milliseconds from the start in which a client that is asked dials three times or four, and a balancer notices who is
 * ready and who is not.
 */
const ALONE = 1_500
/** How often it is looked whether the deadline can be met, and by how much it is missed before that is said. */
const LOOK = 1_000
/** When that is first known, ms. */
const AHEAD = 4_000
const MISSED = 1.1
/** Before the deadline, so many milliseconds are for those who were asked last. */
const LAST = 5_000

export function createDrain({ clock, legs, refusePending, asked, onEvent, onError }: DrainDeps): Drain {
  interface Run {
    readonly promise: Promise<DrainResult>
    readonly remaining: Set<ServerLeg<unknown>>
    go(): void
    cancel(): void
    force(): void
    cameBack(): void
    delayed(leg: ServerLeg<unknown>, retryAfter: number): void
    gone(leg: ServerLeg<unknown>): void
    takes(): number | null
  }
  let run: Run | null = null

  function begin(options: ReturnType<typeof checkedOptions>): Run {
    const id = nanoid()
    const remaining = new Set(legs())
    // From the end: those that came first are asked first.
    const waiting = [...remaining].reverse()
    const told = new Set<ServerLeg<unknown>>()
    const forced = new Set<ServerLeg<unknown>>()
    const counts = { moved: 0, forced: 0 }
    const pace = createPace(options.rate, () => clock.monotonic())
    const window = createDrainWindow<ServerLeg<unknown>>(options, () => clock.monotonic())
    let endsAt = clock.monotonic() + options.deadline
    let saidLate = false
    const deadline = createAlarm(clock, force)
    const next = createAlarm(clock, ask)
    const lookAround = createAlarm(clock, alone)
    const lookAhead = createAlarm(clock, late)
    let cameBack = 0
    let resolve: (result: DrainResult) => void
    const promise = new Promise<DrainResult>((done) => void (resolve = done))

    /** Whether to wait for those who are on their way. Not where the rest could then not be asked in time. */
    function crowded(): boolean {
      const needed = (waiting.length / options.rate) * 1_000
      return window.full && needed < endsAt - clock.monotonic() - LAST
    }

    function ask() {
      while (waiting.length > 0) {
        const wait = crowded() ? CROWDED : pace.wait()
        // Timers tick in whole milliseconds, and one that is early would only have to be set again.
        if (wait > 0) return next.set(Math.ceil(wait))
        const leg = waiting.pop()!
        if (!remaining.has(leg)) continue
        pace.took()
        told.add(leg)
        window.asked(leg)
        asked()
        request(leg)
      }
    }

    function request(leg: ServerLeg<unknown>) {
      leg.send({
        type: 'handover',
        id,
        reason: options.reason,
        ...(options.url === undefined ? undefined : { url: options.url }),
        spread: options.spread,
        deadline: Math.max(0, Math.floor(endsAt - clock.monotonic())),
      })
    }

    function takes(): number | null {
      const pace = window.pace ?? options.rate
      return pace === 0 ? null : (remaining.size / pace) * 1_000
    }

    /** Told in advance, while there is time to do something about it. */
    function late() {
      lookAhead.set(LOOK)
      const left = endsAt - clock.monotonic()
      const needed = takes()
      if (needed !== null && needed <= left * MISSED) return
      if (!saidLate) tellLate(left, needed)
      saidLate = true
      // Where nobody leaves there is nothing to wait for.
      if (!options.extendable || needed === null) return
      endsAt = clock.monotonic() + needed * MISSED
      deadline.set(needed * MISSED)
      for (const leg of told) if (remaining.has(leg)) request(leg)
    }

    function tellLate(left: number, needed: number | null) {
      const needs = needed === null ? null : Math.round(needed)
      onEvent({ type: 'drain-late', left: remaining.size, deadline: Math.round(left), needs })
      const ends = options.extendable && needed !== null ? 'It is put off.' : 'What is left then is closed.'
      onError(
        new LiveSocketError(
          'timeout',
          `The drain cannot meet its deadline: ${remaining.size} connections are left, which takes ${needs === null ? 'for ever' : `${needs} ms`} at the pace at which they are taken elsewhere, and ${Math.round(left)} ms are left. ${ends}`,
        ),
        'draining',
      )
    }

    /** As far as can be seen from here. */
    function alone() {
      if (counts.moved > 0 || told.size === 0 || cameBack < told.size) return
      const ends = options.endWhenAlone
      onEvent({ type: 'drain-alone', left: remaining.size })
      onError(
        new LiveSocketError(
          'refused',
          `Nobody else takes the connections that are asked to move: they only come back here. ${ends ? 'So they are closed now.' : 'They are kept until the deadline.'} Start the next server before this one goes, behind the same address.`,
        ),
        'draining',
      )
      if (ends) force()
    }

    function force() {
      stopTimers()
      for (const leg of [...remaining]) {
        forced.add(leg)
        leg.fail(DRAINING, 'all')
      }
    }

    function stopTimers() {
      next.clear()
      deadline.clear()
      lookAround.clear()
      lookAhead.clear()
    }

    function end() {
      stopTimers()
      options.signal?.removeEventListener('abort', cancelThis)
      resolve({ ...counts })
      if (run === self) onEvent({ type: 'drain-finished', ...counts })
    }

    const cancelThis = () => {
      if (run === self) cancel()
    }
    const self: Run = {
      promise,
      remaining,
      force,
      go() {
        refusePending()
        if (remaining.size === 0) end()
        else ask()
      },
      cancel() {
        for (const leg of told) if (remaining.has(leg) && !forced.has(leg)) leg.send({ type: 'handover-cancelled', id })
        remaining.clear()
        end()
      },
      cameBack: () => void cameBack++,
      delayed: window.delayed,
      takes,
      gone(leg) {
        if (!remaining.delete(leg)) return
        window.gone(leg)
        if (forced.has(leg)) counts.forced++
        else counts.moved++
        if (remaining.size === 0) end()
      },
    }
    options.signal?.addEventListener('abort', cancelThis, { once: true })
    deadline.set(options.deadline)
    lookAround.set(ALONE)
    lookAhead.set(AHEAD)
    return self
  }

  function cancel(): boolean {
    if (!run) return false
    const cancelled = run
    run = null
    onEvent({ type: 'drain-cancelled', left: cancelled.remaining.size })
    cancelled.cancel()
    return true
  }

  return {
    get refusing() {
      return run !== null
    },
    start(options = {}) {
      if (run) return run.promise
      const count = [...legs()].length
      const checked = checkedOptions(options, count)
      if (options.signal?.aborted) return Promise.resolve({ moved: 0, forced: 0 })
      run = begin(checked)
      // Only now: whoever is refused, and whoever asks for readiness, finds the server draining already.
      const { promise } = run
      onEvent({ type: 'drain-started', legs: count, reason: checked.reason })
      run.go()
      return promise
    },
    check: (options = {}) => void checkedOptions(options, 0),
    cancel,
    force: () => run?.force(),
    cameBack: () => run?.cameBack(),
    delayed: (leg, retryAfter) => run?.delayed(leg, retryAfter),
    gone: (leg) => run?.gone(leg),
    get left() {
      return run?.remaining.size ?? 0
    },
    get takes() {
      return run ? run.takes() : 0
    },
  }
}

function checkedOptions(options: DrainOptions, legs: number) {
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
