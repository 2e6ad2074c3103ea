import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import { createGreetingLimit } from './greeting-limit.js'
import { createGreetingRate } from './greeting-rate.js'

/** Takes no more hellos than can be greeted: the others wait for their turn, or are told when to come back. */
export interface Admission {
  /** `begin` is called at once, or in its turn; or `busy`, once, at once or later. */
  enter(hello: AdmissionAsk): Admitted
  /** When there is a place for one more who is turned away: it is given to that one. */
  room(): Room
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
  /**
   * Milliseconds without a word after which the client leaves, as its hello says. Absent: it did not say, and is not
   * kept waiting for longer than what clients wait.
   */
  readonly patience?: number
  begin(): void
  busy(room: Room): void
  /** A word for one that waits, so that it stays. */
  waits(): void
}

export interface Admitted {
  /** It is greeted, or refused; `failed`: it could not be told which. Later calls change nothing. */
  ended(failed: boolean): void
  /** It has gone: what has not begun for it never does, and what has teaches nothing. */
  left(): void
}

export interface AdmissionStats {
  /** Greetings at a time that there is room for. */
  readonly limit: number
  /** Hellos being greeted now. */
  readonly greeting: number
  /** Hellos that wait for their turn now. */
  readonly waiting: number
  /** Hellos answered `busy`, because their turn would have come too late. */
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

interface Waiting extends AdmissionAsk {
  readonly deadline: number
  spokenAt: number
}

/** So much of the limit is all of it: it moves meanwhile. */
const NEARLY = 0.75
/** How often those who wait are looked at, ms. */
const LOOK = 500
/** Of the time that a client waits without a word: then it gets one. */
const WORD = 0.3
/** Of its time, so much is for the greeting itself and for what no estimate knows. */
const ROOM = 0.8
/** Those who come back do so within this last part of the time until their place is free, and wait for it here. */
const EARLY = 0.2
/** So many times as many places are given away as there are: there may be more than was measured, and some stay away. */
const MORE = 1.25
/** Where no rate is known, nobody knows how many they are either. */
const UNKNOWN: Room = { retryAfter: 1_000 }
/** Milliseconds. */
const SOONEST = 250
/** Beyond this no place is given away, ms: all may be well again long before. */
const LATEST = 60_000

export function createAdmission({ clock, most, queueTimeout, patience, abandoned }: AdmissionDeps): Admission {
  const now = () => clock.monotonic()
  const limit = createGreetingLimit(most, now)
  const rate = createGreetingRate(now)
  /** In the order in which they came. */
  const waiting = new Set<Waiting>()
  const look = createAlarm(clock, tend)
  let greeting = 0
  let turnedAway = 0
  /** Up to when the places are given away of those who were told to come back. */
  let given = 0

  function full(): boolean {
    return greeting + abandoned() >= limit.value
  }

  function next() {
    for (const one of waiting) {
      if (full()) break
      waiting.delete(one)
      start(one)
    }
    if (waiting.size === 0) look.clear()
  }

  function start(one: AdmissionAsk) {
    greeting++
    one.begin()
  }

  /** A limit that still grows lets through what is asked for, and not yet what there is room for. */
  function roomPerSecond(): number | null {
    return limit.found ? rate.perSecond : null
  }

  /** Milliseconds until the one behind so many others is greeted; null where that is not known. */
  function turn(others: number): number | null {
    const perSecond = roomPerSecond()
    return perSecond === null ? null : ((others + greeting) / perSecond) * 1_000
  }

  /** Those who can wait no longer are told when to come back, and the others that they have not been forgotten. */
  function tend() {
    let others = 0
    const late: Waiting[] = []
    for (const one of waiting) {
      // One that hears of it waits here as well as elsewhere; one that does not would leave before its turn.
      const wait = one.patience === undefined ? turn(others + 1) : 0
      if (now() + (wait ?? 0) >= one.deadline) {
        late.push(one)
        continue
      }
      others++
      if (now() - one.spokenAt >= (one.patience ?? Infinity) * WORD) {
        one.spokenAt = now()
        one.waits()
      }
    }
    // Those who go make room for each other's places.
    for (const one of late) waiting.delete(one)
    for (const one of late) turnAway(one)
    next()
    if (waiting.size > 0) look.set(LOOK)
  }

  function turnAway(one: AdmissionAsk) {
    turnedAway++
    one.busy(room())
  }

  function room(): Room {
    const perSecond = roomPerSecond()
    if (perSecond === null) return UNKNOWN
    const free = now() + ((waiting.size + greeting) / perSecond) * 1_000
    given = Math.min(Math.max(given, free) + 1_000 / perSecond / MORE, now() + LATEST)
    const until = given - now()
    const spread = Math.max(SOONEST, until * EARLY)
    return { retryAfter: Math.round(Math.max(SOONEST, until - spread)), spread: Math.round(spread) }
  }

  return {
    enter(hello) {
      let state: 'waiting' | 'greeting' | 'over' = 'waiting'
      const one: Waiting = {
        ...hello,
        // One that is told that it waits stays as long as it may; another one leaves.
        deadline: now() + (hello.patience === undefined ? Math.min(queueTimeout, patience * ROOM) : queueTimeout),
        spokenAt: now(),
        begin() {
          state = 'greeting'
          begunAt = now()
          of = greeting + abandoned()
          hello.begin()
        },
        busy(at) {
          state = 'over'
          hello.busy(at)
        },
      }
      let begunAt = 0
      let of = 0
      const admitted: Admitted = {
        ended(failed) {
          if (state !== 'greeting') return admitted.left()
          state = 'over'
          greeting--
          limit.ended({ begunAt, took: now() - begunAt, failed, limited: waiting.size > 0 })
          // Of fewer than may be it says what was asked for, and not what there is room for.
          if (!failed && waiting.size > 0 && of >= limit.value * NEARLY) rate.ended({ of, took: now() - begunAt })
          next()
        },
        left() {
          if (state === 'over') return
          if (state === 'greeting') greeting--
          state = 'over'
          waiting.delete(one)
          next()
        },
      }
      if (waiting.size === 0 && !full()) start(one)
      else {
        const wait = turn(waiting.size + 1)
        if (wait !== null && now() + wait > one.deadline) {
          turnAway(one)
          return admitted
        }
        waiting.add(one)
        if (look.left === null) look.set(LOOK)
      }
      return admitted
    },
    room,
    wake: next,
    get stats() {
      return { limit: limit.value, greeting, waiting: waiting.size, turnedAway, perSecond: roomPerSecond() }
    },
    close: () => look.clear(),
  }
}
