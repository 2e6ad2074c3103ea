import type { Clock } from '../base/clock.js'

/** The answer of a token provider. `getToken` of a device is such a provider for `createLiveSocket`. */
export type TokenAnswer = { token: string; ttl: number } | { retryAfter: number } | { ended: string }

/** The token service, and what can happen to it. It issues `token-1`, `token-2`, …, without any cryptography. */
export interface SimulatedTokens {
  /** Milliseconds that a token lives. Default 600,000: 10 minutes. */
  ttl: number
  /** Milliseconds that an answer takes. Default 20. */
  latency: number
  /** The service works. */
  up(): void
  /** Requests fail. With `retryAfter` the service says for how many milliseconds it should not be asked. */
  down(retryAfter?: number): void
  /** Requests get no answer. */
  hang(): void
  /** The login session has ended: every request is answered so. */
  end(reason?: string): void
  /** Makes every token issued so far invalid. */
  revoke(): void
  /** Milliseconds until the token expires; null if it is not valid. */
  left(token: string | undefined): number | null
  /** The owner of the token: the name of the device for which it was issued. */
  subject(token: string | undefined): string | undefined
  /** Answers one request according to the service's present state. */
  request(reason: string, signal: AbortSignal, connected: boolean, subject?: string): Promise<TokenAnswer>
  /** Every request so far. `at` is in milliseconds since the start of the simulated clock. */
  readonly requests: readonly {
    readonly at: number
    readonly reason: string
    readonly answer: 'token' | 'failed' | 'hung' | 'ended'
  }[]
}

export function createSimulatedTokens(clock: Clock): SimulatedTokens {
  const valid = new Map<string, number>()
  const subjects = new Map<string, string | undefined>()
  const requests: { at: number; reason: string; answer: 'token' | 'failed' | 'hung' | 'ended' }[] = []
  let mode: { is: 'up' } | { is: 'down'; retryAfter?: number } | { is: 'hanging' } | { is: 'ended'; reason: string } = {
    is: 'up',
  }
  let minted = 0

  const tokens: SimulatedTokens = {
    ttl: 600_000,
    latency: 20,
    up: () => void (mode = { is: 'up' }),
    down: (retryAfter) => void (mode = { is: 'down', ...(retryAfter === undefined ? {} : { retryAfter }) }),
    hang: () => void (mode = { is: 'hanging' }),
    end: (reason = 'signed out elsewhere') => void (mode = { is: 'ended', reason }),
    revoke: () => valid.clear(),
    left(token) {
      const dies = token === undefined ? undefined : valid.get(token)
      if (token !== undefined && dies !== undefined && dies <= clock.monotonic()) valid.delete(token)
      return dies === undefined || dies <= clock.monotonic() ? null : dies - clock.monotonic()
    },
    subject: (token) => (token === undefined ? undefined : subjects.get(token)),
    request: (reason, signal, connected, subject) =>
      new Promise((resolve, reject) => {
        const now = connected ? mode : ({ is: 'down' } as const)
        const answer =
          now.is === 'up' ? 'token' : now.is === 'down' ? 'failed' : now.is === 'hanging' ? 'hung' : 'ended'
        requests.push({ at: clock.monotonic(), reason, answer })
        const give = () => {
          if (now.is === 'ended') resolve({ ended: now.reason })
          else if (now.is === 'down' && 'retryAfter' in now && now.retryAfter !== undefined)
            resolve({ retryAfter: now.retryAfter })
          else if (now.is === 'down') reject(new TypeError('the token service could not be reached'))
          else {
            const token = `token-${++minted}`
            valid.set(token, clock.monotonic() + tokens.ttl)
            subjects.set(token, subject)
            resolve({ token, ttl: tokens.ttl })
          }
        }
        const cancel = now.is === 'hanging' ? () => undefined : clock.setTimeout(give, tokens.latency)
        signal.addEventListener('abort', () => {
          cancel()
          reject(signal.reason as Error)
        })
      }),
    requests,
  }
  return tokens
}
