import { createAlarm, type Alarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { createGreetingLimit, type GreetingLimit } from './greeting-limit.js'
import { createGreetingRate, type GreetingRate } from './greeting-rate.js'
import { WaitingLine } from './waiting-line.js'

/**
 * Limits how many hellos, and fresh tokens of live legs, are checked at a time. The others wait for their turn, or are
 * told when to come back.
 */
export interface Admission {
  /** Calls `begin` at once or when its turn comes; or calls `busy`, once, at once or later. */
  enter(hello: AdmissionAsk): Admitted
  /** When a client that is turned away may come back. Each call reserves a place for that client. */
  room(): Room
  /**
   * Turns away one waiting `hello` of an address that has many, so that one of this address gets a place. False if no
   * address has to yield.
   */
  makeRoom(address: string): boolean
  /** A call that nobody waited for has ended, so there may be room. */
  wake(): void
  readonly stats: AdmissionStats
  close(): void
}

/**
 * Milliseconds. A client comes back after `retryAfter` plus a random part of `spread`; without `spread`, plus a random
 * part of the window over which it spreads any reconnection.
 */
export interface Room {
  readonly retryAfter: number
  readonly spread?: number
}

export interface AdmissionAsk {
  /** Addresses take turns. All clients behind a proxy that was not configured have the same address. */
  readonly address: string
  /**
   * Milliseconds of silence after which the client leaves, as its `hello` says. Absent if the `hello` does not say:
   * then it waits here no longer than clients wait by default.
   */
  readonly patience?: number
  /** It is for a live leg, which holds no place among the pending connections that could be given to another. */
  readonly live?: boolean
  begin(): void
  busy(room: Room): void
  /** The client still waits: send it something, so that it stays. */
  waits(): void
}

export interface Admitted {
  /**
   * The greeting has ended with a welcome or a refusal; or, if `failed`, without a decision. Later calls do nothing.
   */
  ended(failed: boolean): void
  /**
   * The client has left. If its greeting has not begun, it never does; if it has, it is known to take at least this
   * long.
   */
  left(): void
}

export interface AdmissionStats {
  /** How many hellos and fresh tokens may be checked at a time. */
  readonly limit: number
  /** Hellos being greeted at present, and fresh tokens of live legs being checked. */
  readonly greeting: number
  /** Hellos and fresh tokens that wait for their turn at present. */
  readonly waiting: number
  /**
   * Hellos answered `busy` because their turn would have come too late, and checks of fresh tokens that were postponed
   * for the same reason.
   */
  readonly turnedAway: number
  /** The greetings a second that there is room for; null if none had to wait lately. */
  readonly perSecond: number | null
}

export interface AdmissionDeps {
  readonly clock: Clock
  /** The most greetings at a time, however long they take. */
  readonly most: number
  /** Milliseconds that a `hello` may wait for its turn. */
  readonly queueTimeout: number
  /** Milliseconds that a client is assumed to wait if it does not say how long. */
  readonly patience: number
  /** The number of calls that continue although nobody waits for them. */
  abandoned(): number
}

/** A `hello` from its arrival until it is greeted, refused or gone. Times are on the monotonic clock. */
interface Hello {
  readonly ask: AdmissionAsk
  readonly address: string
  /** When it stops waiting for its turn. */
  readonly deadline: number
  state: 'waiting' | 'greeting' | 'over'
  /** When it came, or when it was last sent a sign that it still waits. */
  spokenAt: number
  begunAt: number
  /** The calls that were under way when its own began, including its own. */
  of: number
}

/** Above this share of the limit, the limit counts as fully used: it changes while greetings are under way. */
const NEARLY = 0.75
/** Milliseconds between checks of those that wait. */
const LOOK = 500
/** After this share of the silence that a client accepts, it is sent something. */
const WORD = 0.3
/**
 * The share of the client's time that it may wait here. The rest is for the greeting itself and for errors of the
 * estimate.
 */
const ROOM = 0.8
/**
 * Clients that are told to come back do so within this last share of the time until their place is free, and wait here
 * for the rest.
 */
const EARLY = 0.2
/**
 * A client that is turned away keeps its place in the line, and does not start behind it. It comes back when this share
 * of the line is left: if the line has become shorter than foreseen, there is still somebody to greet.
 */
const LEFT = 0.5
/**
 * This many times more places are given away than there are: capacity may be higher than measured, and some clients do
 * not come back.
 */
const MORE = 1.25
/** The answer while no rate is known: then the number of clients that come back is not known either. */
const UNKNOWN: Room = { retryAfter: 1_000 }
/** The shortest `retryAfter` and `spread`, in milliseconds. */
const SOONEST = 250
/** Places are given away no further ahead than this many times the period of measurement. */
const AHEAD = 5
/** Milliseconds: places are given away no further ahead than this, because the crowd may be gone long before. */
const LATEST = 60_000

export function createAdmission(deps: AdmissionDeps): Admission {
  return new GreetingQueue(deps)
}

class GreetingQueue implements Admission {
  readonly #deps: AdmissionDeps
  readonly #limit: GreetingLimit
  readonly #rate: GreetingRate
  readonly #waiting = new WaitingLine<Hello>()
  /** Those in the line that could make room for another connection. */
  readonly #yielding = new WaitingLine<Hello>()
  readonly #look: Alarm
  #greeting = 0
  #turnedAway = 0
  /** When the last place comes free that was given to a client told to come back. */
  #given = 0

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
    this.#limit = createGreetingLimit(deps.most, deps.patience, () => this.#now())
    this.#rate = createGreetingRate(() => this.#now())
    this.#look = createAlarm(deps.clock, () => this.#lookAfterWaiting())
  }

  enter(ask: AdmissionAsk): Admitted {
    const { queueTimeout, patience } = this.#deps
    const now = this.#now()
    const hello: Hello = {
      ask,
      address: ask.address,
      // A client that is sent signs of life while it waits stays as long as it may; others leave earlier.
      deadline: now + (ask.patience === undefined ? Math.min(queueTimeout, patience * ROOM) : queueTimeout),
      state: 'waiting',
      spokenAt: now,
      begunAt: 0,
      of: 0,
    }
    if (this.#waiting.size === 0 && !this.#full()) this.#start(hello)
    else this.#wait(hello)
    return { ended: (failed) => this.#ended(hello, failed), left: () => this.#left(hello) }
  }

  wake() {
    while (this.#waiting.size > 0 && !this.#full()) this.#start(this.#waiting.next()!)
    if (this.#waiting.size === 0) this.#look.clear()
  }

  makeRoom(address: string): boolean {
    const yields = this.#yielding.heaviest(address)
    if (yields) this.#turnAway(yields)
    return yields !== undefined
  }

  room(): Room {
    const perSecond = this.#perSecond()
    if (perSecond === null) return UNKNOWN
    const now = this.#now()
    const free = now + ((this.#waiting.size * LEFT + this.#greeting) / perSecond) * 1_000
    const latest = now + Math.min(LATEST, Math.max(UNKNOWN.retryAfter, this.#rate.measuredFor * AHEAD))
    this.#given = Math.min(Math.max(this.#given, free) + 1_000 / perSecond / MORE, latest)
    const until = this.#given - now
    const spread = Math.max(SOONEST, until * EARLY)
    return { retryAfter: Math.round(Math.max(SOONEST, until - spread)), spread: Math.round(spread) }
  }

  get stats(): AdmissionStats {
    return {
      limit: this.#limit.value,
      greeting: this.#greeting,
      waiting: this.#waiting.size,
      turnedAway: this.#turnedAway,
      perSecond: this.#perSecond(),
    }
  }

  close() {
    this.#look.clear()
  }

  #now(): number {
    return this.#deps.clock.monotonic()
  }

  #underWay(): number {
    return this.#greeting + this.#deps.abandoned()
  }

  #full(): boolean {
    return this.#underWay() >= this.#limit.value
  }

  /** While the limit still grows, the rate reflects the demand and not yet the capacity. */
  #perSecond(): number | null {
    return this.#limit.found ? this.#rate.perSecond : null
  }

  /** Milliseconds until the one behind that many others is greeted; null if that is not known. */
  #turn(others: number): number | null {
    const perSecond = this.#perSecond()
    if (perSecond === null) return null
    const turn = ((others + this.#greeting) / perSecond) * 1_000
    return turn > this.#rate.measuredFor * AHEAD ? null : turn
  }

  #start(hello: Hello) {
    this.#yielding.delete(hello)
    this.#greeting++
    hello.state = 'greeting'
    hello.begunAt = this.#now()
    hello.of = this.#underWay()
    hello.ask.begin()
  }

  #wait(hello: Hello) {
    const wait = this.#turn(this.#waiting.before(hello.address) + 1)
    if (wait !== null && this.#now() + wait > hello.deadline) return this.#turnAway(hello)
    this.#waiting.add(hello)
    if (!hello.ask.live) this.#yielding.add(hello)
    if (this.#look.left === null) this.#look.set(LOOK)
  }

  #turnAway(hello: Hello) {
    this.#waiting.delete(hello)
    this.#yielding.delete(hello)
    this.#turnedAway++
    hello.state = 'over'
    hello.ask.busy(this.room())
  }

  #ended(hello: Hello, failed: boolean) {
    if (hello.state !== 'greeting') return this.#left(hello)
    hello.state = 'over'
    this.#greeting--
    const { begunAt, of } = hello
    const took = this.#now() - begunAt
    const limited = this.#waiting.size > 0
    this.#limit.ended({ begunAt, took, of, failed, limited })
    // With fewer under way than the limit allows, the rate would reflect the demand and not the capacity.
    if (!failed && limited && of >= this.#limit.value * NEARLY) this.#rate.ended({ of, took })
    this.wake()
  }

  #left(hello: Hello) {
    if (hello.state === 'over') return
    if (hello.state === 'greeting') {
      this.#greeting--
      this.#limit.givenUp(this.#now() - hello.begunAt)
    }
    hello.state = 'over'
    this.#waiting.delete(hello)
    this.#yielding.delete(hello)
    this.wake()
  }

  /** Tells those that can wait no longer when to come back, and the others that they have not been forgotten. */
  #lookAfterWaiting() {
    let others = 0
    const late: Hello[] = []
    for (const hello of this.#waiting.inTurn()) {
      const { patience } = hello.ask
      // A client that is sent signs of life may wait for its full time. Another one leaves unless its turn comes before
      // that.
      const wait = patience === undefined ? this.#turn(others + 1) : 0
      if (this.#now() + (wait ?? 0) >= hello.deadline) {
        late.push(hello)
        continue
      }
      others++
      if (this.#now() - hello.spokenAt >= (patience ?? Infinity) * WORD) {
        hello.spokenAt = this.#now()
        hello.ask.waits()
      }
    }
    // All late ones are removed first, so that each one's `room` counts only those that stay.
    for (const hello of late) this.#waiting.delete(hello)
    for (const hello of late) this.#turnAway(hello)
    this.wake()
    if (this.#waiting.size > 0) this.#look.set(LOOK)
  }
}
