import { createAlarm } from '../base/alarm.js'
import { instant, since, type Instant } from '../base/clock.js'
import { agedAfter } from '../policy/delay.js'
import type { Ask, State } from './machine.js'
import type { Settings } from '../options/options.js'

/** How long what is under way may take: a move, an overlap, a leg's life, a silence. */
export interface TimeLimits {
  /** Arms what the state calls for. `cutAt`: when the present overlap began. */
  follow(state: State, cutAt: Instant | undefined): void
  /** The age of the leg that serves from now on, counted from its dial, as platforms do. */
  ageFrom(dialledAt: Instant): void
  /**
   * A leg that falls silent while it is to be left anyway has the time of one dial, as any silent one, whatever
   * deadline it was given before: to say "live" would be a lie.
   */
  lastChance(): void
}

export interface TimeLimitHandlers {
  /** Of what the active leg was asked. */
  deadline(): void
  overlapOver(): void
  /** The active leg comes near its platform's age limit. Told again and again: the limit does not go away. */
  aged(): void
  lastChanceOver(): void
}

/** Time that a move which the client wants by itself is given, ms. */
export const OWN_DEADLINE = 30_000
/**
 * Kept of a leg's age limit for the move itself: its deadline, and the minute by which a hidden tab's timer may be
 * late.
 */
const AGE_ROOM = OWN_DEADLINE + 60_000

export function createTimeLimits(
  { clock, random, handover, connectTimeout }: Settings,
  handlers: TimeLimitHandlers,
): TimeLimits {
  const deadline = createAlarm(clock, handlers.deadline)
  const overlap = createAlarm(clock, handlers.overlapOver)
  const lastChance = createAlarm(clock, handlers.lastChanceOver)
  const age = createAlarm(clock, () => {
    age.set(OWN_DEADLINE)
    handlers.aged()
  })
  let deadlineOf: Ask | null = null
  let overlapOf: { leg: number; limit: number } | null = null

  function followDeadline({ active }: State) {
    const ask = active?.ask && !active.ask.expired ? active.ask : null
    if (ask?.at === deadlineOf?.at && ask?.id === deadlineOf?.id) return
    deadlineOf = ask
    if (ask) deadline.set(Math.max(0, ask.deadline - since(clock, ask.at)))
    else deadline.clear()
  }

  function followOverlap(state: State, cutAt: Instant) {
    const { old } = state
    if (!old) {
      overlapOf = null
      return overlap.clear()
    }
    const limit = overlapLimit(state, cutAt)
    if (overlapOf?.leg === old.leg && overlapOf.limit <= limit) return
    overlapOf = { leg: old.leg, limit }
    overlap.set(Math.max(0, limit - since(clock, cutAt)))
  }

  /** From the cutover on. When the next move waits for room, half of the time that it has is the old leg's. */
  function overlapLimit({ active, wait }: State, cutAt: Instant): number {
    const ask = active?.ask
    if (!ask || wait === 'none') return handover.overlapLimit
    return Math.min(handover.overlapLimit, since(clock, cutAt) + Math.max(0, ask.deadline - since(clock, ask.at)) / 2)
  }

  return {
    follow(state, cutAt) {
      if (!state.active) {
        age.clear()
        lastChance.clear()
      }
      followDeadline(state)
      followOverlap(state, cutAt ?? instant(clock))
    },
    ageFrom(dialledAt) {
      const { maxAge } = handover
      if (maxAge === null) return
      const limit = agedAfter(Math.max(maxAge / 2, maxAge - AGE_ROOM), random)
      age.set(Math.max(0, limit - since(clock, dialledAt)))
    },
    lastChance: () => lastChance.set(connectTimeout),
  }
}
