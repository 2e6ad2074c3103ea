import { createAlarm, type Alarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { createGreetingLimit, type GreetingLimit } from './greeting-limit.js'
import { createGreetingRate, type GreetingRate } from './greeting-rate.js'
import { WaitingLine } from './waiting-line.js'

/**
 * Takes no more hellos, and fresh tokens of live legs, than can be looked at: the others wait for their turn, or are
 * told when to come back.
 */
export interface Admission {
  /** `begin` is called at once, or in its turn; or `busy`, once, at once or later. */
  enter(hello: AdmissionAsk): Admitted
  /** When there is a place for one more who is turned away: it is given to that one. */
  room(): Room
  /**
   * One of an address with many who wait is turned away, so that one of this address finds a place; false where nobody
   * has to yield.
   */
  makeRoom(address: string): boolean
  /** There may be room: a call has ended that nobody waited for any more. */
  wake(): void
  readonly stats: AdmissionStats
  close(): void
}

/**
 * Milliseconds. A client comes back after `retryAfter`, and a random part of `spread` more; without it, of what it
 * spreads any reconnection over.
 */
export interface Room {
  readonly retryAfter: number
  readonly spread?: number
}

export interface AdmissionAsk {
  /** Addresses take turns. Of a proxy that was not named all clients have the same one. */
  readonly address: string
  /**
   * Milliseconds without a word after which the client leaves, as its hello says. Absent: it did not say, and is not
   * kept waiting for longer than what clients wait.
   */
  readonly patience?: number
  /** It is of a live leg: it has no place among those who are not welcomed yet that another one could have. */
  readonly live?: boolean
  begin(): void
  busy(room: Room): void
  /** A word for one that waits, so that it stays. */
  waits(): void
}

export interface Admitted {
  /** It is greeted, or refused; `failed`: it could not be told which. Later calls change nothing. */
  ended(failed: boolean): void
  /** It has gone: what has not begun for it never does, and of what has it is known that it takes so long at least. */
  left(): void
}

export interface AdmissionStats {
  /** Hellos and fresh tokens at a time that there is room for. */
  readonly limit: number
  /** Hellos being greeted now, and fresh tokens of live legs being checked. */
  readonly greeting: number
  /** Those that wait for their turn now. */
  readonly waiting: number
  /** Hellos answered `busy`, because their turn would have come too late, and checks that were put off for it. */
  readonly turnedAway: number
  /** Greetings a second that there is room for; null where there was no crowd lately. */
  readonly perSecond: number | null
}

export interface AdmissionDeps {
  readonly clock: Clock
  /** Greetings at a time, whatever they take. */
  readonly most: number
  /** Milliseconds that a hello may wait for its turn. */
  readonly queueTimeout: number
  /** Milliseconds that a client waits that did not say for how long. */
  readonly patience: number
  /** Calls that go on although nobody waits for them. */
  abandoned(): number
}

/** A hello from when it comes until it is greeted, refused or gone. Moments are on the monotonic clock. */
interface Hello {
  readonly ask: AdmissionAsk
  readonly address: string
  /** It may wait for its turn until then. */
  readonly deadline: number
  state: 'waiting' | 'greeting' | 'over'
  /** When it came, or was last told that it waits. */
  spokenAt: number
  begunAt: number
  /** Calls that were under way when its own began, with it. */
  of: number
}

/** So much of the limit is all of it: it changes meanwhile. */
const NEARLY = 0.75
/** How often those who wait are looked at, ms. */
const LOOK = 500
/** Of the time that a client waits without a word: then it gets one. */
const WORD = 0.3
/** Of its time, so much is for the greeting itself and for what no estimate knows. */
const ROOM = 0.8
/** Those who come back do so within this last part of the time until their place is free, and wait for it here. */
const EARLY = 0.2
/**
 * Who is turned away has his place in the line, and not behind it: he comes back when so much of it is left. Where it is
 * shorter by then than was foreseen, there is still somebody to be greeted.
 */
const LEFT = 0.5
/**
 * So many times as many places are given away as there are: there may be more than was measured, and some stay away.
 */
const MORE = 1.25
/** Where no rate is known, nobody knows how many they are either. */
const UNKNOWN: Room = { retryAfter: 1_000 }
/** Milliseconds. */
const SOONEST = 250
/** Nor further ahead than so many times as long as it has been measured. */
const AHEAD = 5
/** Beyond this no place is given away, ms: all may be well again long before. */
const LATEST = 60_000

export function createAdmission(deps: AdmissionDeps): Admission {
  return new GreetingQueue(deps)
}

class GreetingQueue implements Admission {
  readonly #deps: AdmissionDeps
  readonly #limit: GreetingLimit
  readonly #rate: GreetingRate
  readonly #waiting = new WaitingLine<Hello>()
  /** Those of them who could make room for another one. */
  readonly #yielding = new WaitingLine<Hello>()
  readonly #look: Alarm
  #greeting = 0
  #turnedAway = 0
  /** Up to when the places are given away of those who were told to come back. */
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
      // One that is told that it waits stays as long as it may; another one leaves.
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

  /** A limit that still grows lets through what is asked for, and not yet what there is room for. */
  #perSecond(): number | null {
    return this.#limit.found ? this.#rate.perSecond : null
  }

  /** Milliseconds until the one behind so many others is greeted; null where that is not known. */
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
    // Of fewer than may be it says what was asked for, and not what there is room for.
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

  /** Those who can wait no longer are told when to come back, and the others that they have not been forgotten. */
  #lookAfterWaiting() {
    let others = 0
    const late: Hello[] = []
    for (const hello of this.#waiting.inTurn()) {
      const { patience } = hello.ask
      // One that hears of it waits here as well as elsewhere; one that does not would leave before its turn.
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
    // Those who go make room for each other's places.
    for (const hello of late) this.#waiting.delete(hello)
    for (const hello of late) this.#turnAway(hello)
    this.wake()
    if (this.#waiting.size > 0) this.#look.set(LOOK)
  }
}
