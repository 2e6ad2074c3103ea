import { createAlarm } from '../../base/alarm.js'
import type { Clock } from '../../base/clock.js'
import type { Identification, Identified } from './authenticator.js'

/**
 * The fresh token of a live leg, until it has been checked. If it cannot be checked now (the identity service is away),
 * the leg stays on with its old token, and the check is repeated as long as the old token lasts. The client need not
 * know.
 */
export interface FreshToken {
  /**
   * Checks a token; it replaces one that has not been checked yet. One is checked at a time: a client that sends many
   * causes no more calls.
   */
  check(token: string): void
  /** A token has come, and could not be decided on so far. */
  readonly unchecked: boolean
  stop(): void
}

/** A place among all checks of who somebody is. */
interface Turn {
  /** `failed`: it could not be decided. */
  ended(failed: boolean): void
  left(): void
}

/**
 * Milliseconds between two checks, doubled each time. They need no jitter, because the legs' own renewals are spread.
 */
const RETRY = { first: 1_000, most: 30_000 }

/**
 * @param enter limits how many are checked at a time. A service that is back has the tokens of all live legs to check;
 * if they all came at once, it would answer each too late.
 */
export function createFreshToken<User>(
  clock: Clock,
  enter: (turn: { begin(): void; busy(room: { readonly retryAfter: number }): void }) => Turn,
  ask: (token: string) => Identification<User>,
  checked: (known: Exclude<Identified<User>, { readonly outcome: 'untold' }>) => void,
): FreshToken {
  let token: string | null = null
  let asking: Identification<User> | null = null
  let looking = false
  let turn: Turn | null = null
  let failures = 0
  const again = createAlarm(clock, () => look())

  function look() {
    again.clear()
    looking = true
    turn = enter({
      begin: () => void begin(),
      busy({ retryAfter }) {
        looking = false
        again.set(retryAfter)
      },
    })
  }

  async function begin() {
    const looked = token!
    asking = ask(looked)
    const identified = await asking.answer
    asking = null
    looking = false
    turn!.ended(identified.outcome === 'untold')
    if (token === null) return
    if (token !== looked) return look()
    if (identified.outcome === 'untold') return again.set(Math.min(RETRY.most, RETRY.first * 2 ** failures++))
    token = null
    failures = 0
    checked(identified)
  }

  return {
    check(fresh) {
      token = fresh
      if (!looking) look()
    },
    get unchecked() {
      return token !== null
    },
    stop() {
      token = null
      again.clear()
      asking?.abandon()
      turn?.left()
    },
  }
}
