import type { Clock } from '../../src/base/clock.js'
import type { GetToken } from '../../src/tokens/token-call.js'

/** Gives tokens, and fails when it is told to. */
export interface TokenService {
  readonly ask: GetToken
  /** Every token that it ever gave. */
  given(): readonly string[]
  valid(token: unknown): boolean
  /** Milliseconds; undefined for a token that is none. */
  left(token: unknown): number | undefined
  /** No token of before is taken any more. */
  revoke(): void
  /** The next calls fail, until `well`. */
  fail(): void
  well(): void
}

export function createTokenService(clock: Clock, life: number): TokenService {
  const ends = new Map<unknown, number>()
  const given: string[] = []
  let away = false
  return {
    async ask() {
      // Anywhere between the call and its answer something else may happen.
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 50))
      if (away) throw new Error('the token service is away')
      const token = `token-${given.length + 1}-`
      given.push(token)
      ends.set(token, clock.monotonic() + life)
      return { token, ttl: life }
    },
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
