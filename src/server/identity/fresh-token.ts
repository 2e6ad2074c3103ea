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

/** A place among all of whom it is being asked who they are. */
interface Turn {
  /** `failed`: it could not be told. */
  ended(failed: boolean): void
  left(): void
}

/** Milliseconds between two checks: twice as long each time. The legs' own renewals are spread, and so these are. */
const RETRY = { first: 1_000, most: 30_000 }

/**
 * @param enter how many are asked about at a time: a service that is back has those of all live legs to check, and
 * where all came at once it would answer each too late.
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
