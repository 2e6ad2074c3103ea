import { Deadlines } from '../../src/base/deadlines.js'
import type { TokenReason } from '../../src/policy/token-news.js'
import type { TokenResult } from '../../src/policy/token-answer.js'
import type { GetToken } from '../../src/tokens/token-part.js'
import { createTokenKeeper } from '../../src/tokens/token-keeper.js'
import type { TokenKeeperDeps, TokenRefreshOptions } from '../../src/tokens/token-part.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js'

export const SECOND = 1_000
export const MINUTE = 60_000

export interface ProviderCall {
  /** Milliseconds since the test began, on the monotonic clock. */
  readonly at: number
  readonly reason: TokenReason
  readonly attempt: number
  readonly signal: AbortSignal
}

export type Answer = TokenResult | Error | 'hang' | ((call: ProviderCall) => Promise<TokenResult>)

/**
 * A keeper on a simulated clock with a scripted provider, whose last answer is repeated. Default: token-1, token-2 …
 */
export function keepToken(
  script: Answer[] | null = [],
  deps: Partial<Omit<TokenKeeperDeps, 'tokenRefresh'>> & {
    clock?: SimulatedClock
    seed?: number
    tokenRefresh?: TokenRefreshOptions
  } = {},
) {
  const clock = deps.clock ?? createSimulatedClock()
  const began = clock.monotonic()
  const calls: ProviderCall[] = []
  const events: string[] = []
  const errors: unknown[] = []
  const told: unknown[] = []
  const states: { status: string; refreshAt: number | null; expiresAt: number | null }[] = []
  const getToken: GetToken = async (ask) => {
    const call: ProviderCall = { at: clock.monotonic() - began, ...ask }
    calls.push(call)
    const answer = script?.[Math.min(calls.length, script.length) - 1] ?? `token-${calls.length}`
    if (answer === 'hang') return new Promise(() => {})
    if (answer instanceof Error) throw answer
    return typeof answer === 'function' ? answer(call) : answer
  }
  const deadlines = new Deadlines(clock)
  const keeper = createTokenKeeper(
    {
      random: seededRandom(deps.seed ?? 1),
      online: () => true,
      hidden: () => false,
      getToken: script ? getToken : undefined,
      ...deps,
      tokenRefresh: { timeout: 10 * SECOND, ...deps.tokenRefresh },
      clock: deadlines,
    },
    {
      fresh: (token) => events.push(`fresh ${token}`),
      state: (state) => void states.push(state),
      refreshed: (event) => void (events.push(`refreshed ${event.reason}`), told.push(event)),
      failed: (event) => void (events.push(`failed ${event.reason}`), errors.push(event.error), told.push(event)),
      ended: (reason) => events.push(`ended ${reason}`),
    },
  )
  return {
    clock,
    keeper,
    /** Checks for changes, as on every frame. */
    check() {
      keeper.lookIfChanged()
      deadlines.ringDue()
    },
    calls,
    events,
    errors,
    /** Everything that applications and developer tools see. */
    told: () => [told, states, events.filter((event) => !event.startsWith('fresh'))],
    status: () => states.at(-1)?.status ?? 'none',
    state: () => states.at(-1),
    /** Asks for a token as a dial does, and advances the clock until there is a token or the dial gives up. */
    async dial(patience = 0) {
      let outcome: string | undefined = 'waiting'
      keeper.token(new AbortController().signal).then(
        (token) => (outcome = token),
        (error: { code: string }) => (outcome = error.code),
      )
      await clock.advance(patience)
      return outcome
    },
  }
}

/** A JWT with this lifetime, from a server whose clock is wrong by years. */
export function jwt(subject: string, seconds: number, iat = 1_000_000) {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat, exp: iat + seconds })}.signature`
}
