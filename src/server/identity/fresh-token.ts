import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import type { Identification, Identified } from './authenticator.js'

/**
 * The fresh token of a live leg, until it has been checked. Where it cannot be checked now (the identity service is
 * away) the leg lives on with the token that it has, and the check is made again, for as long as that one lasts: its
 * client need not know.
 */
export interface FreshToken {
  /**
   * Takes the place of one that has not been checked yet. One is looked at at a time: a client that sends many costs no
   * more calls.
   */
  check(token: string): void
  /** One has come, and nobody could tell so far whose it is. */
  readonly unchecked: boolean
  stop(): void
}

/** Milliseconds between two checks: twice as long each time. The legs' own renewals are spread, and so these are. */
const RETRY = { first: 1_000, most: 30_000 }

export function createFreshToken<User>(
  clock: Clock,
  ask: (token: string) => Identification<User>,
  checked: (known: Exclude<Identified<User>, { readonly outcome: 'untold' }>) => void,
): FreshToken {
  let token: string | null = null
  let asking: Identification<User> | null = null
  let failures = 0
  const again = createAlarm(clock, () => void look())

  async function look() {
    again.clear()
    const looked = token!
    asking = ask(looked)
    const identified = await asking.answer
    asking = null
    if (token === null) return
    if (token !== looked) return void look()
    if (identified.outcome === 'untold') return again.set(Math.min(RETRY.most, RETRY.first * 2 ** failures++))
    token = null
    failures = 0
    checked(identified)
  }

  return {
    check(fresh) {
      token = fresh
      if (!asking) void look()
    },
    get unchecked() {
      return token !== null
    },
    stop() {
      token = null
      again.clear()
      asking?.abandon()
    },
  }
}
