import type { Clock } from '../../src/base/clock.js'
import type { GetToken } from '../../src/tokens/token-part.js'
import { Queue } from './wire.js'

/** Gives tokens, and fails when told to. */
export interface TokenService {
  readonly ask: GetToken
  /** Calls that have not arrived, and answers that have not come back. */
  readonly asked: Queue<Call>
  readonly answered: Queue<() => void>
  /** Every token that it ever gave. */
  given(): readonly string[]
  valid(token: unknown): boolean
  /** Milliseconds; undefined for an invalid token. */
  left(token: unknown): number | undefined
  /** No earlier token is accepted any more. */
  revoke(): void
  /** The next calls fail, until `well`. */
  fail(): void
  well(): void
}

interface Call {
  resolve(given: { token: string; ttl: number }): void
  reject(error: Error): void
}

/** `tick`: a number for the order of sending, over the whole world. */
export function createTokenService(clock: Clock, life: number, tick: () => number): TokenService {
  const ends = new Map<unknown, number>()
  const given: string[] = []
  let away = false
  const answered = new Queue<() => void>('token↓', (settle) => settle())
  const asked = new Queue<Call>('token↑', ({ resolve, reject }) => answered.push(answer(resolve, reject), tick()))

  function answer(resolve: Call['resolve'], reject: Call['reject']): () => void {
    if (away) return () => reject(new Error('the token service is away'))
    const token = `token-${given.length + 1}-`
    given.push(token)
    ends.set(token, clock.monotonic() + life)
    return () => resolve({ token, ttl: life })
  }

  return {
    ask: () => new Promise((resolve, reject) => asked.push({ resolve, reject }, tick())),
    asked,
    answered,
    given: () => [...given],
    valid: (token) => (ends.get(token) ?? 0) > clock.monotonic(),
    left(token) {
      const end = ends.get(token)
      return end === undefined ? undefined : Math.max(1, Math.round(end - clock.monotonic()))
    },
    revoke: () => ends.clear(),
    fail: () => void (away = true),
    well: () => void (away = false),
  }
}
