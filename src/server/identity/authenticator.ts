import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { redactedError } from '../../base/token-redaction.js'
import { noSubject, readUser } from './identity.js'
import type { MaybePromise } from '../maybe-promise.js'

/** What `authenticate` is asked. */
export interface Authentication {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
  readonly signal: AbortSignal
}

/** See `LiveServerOptions`. */
export type Authenticate<User> = (ask: Authentication) => MaybePromise<User | null | undefined | false>

export type Identified<User> =
  | { readonly outcome: 'known'; readonly user: User; readonly subject?: string; readonly tokenTtl?: number }
  | { readonly outcome: 'refused' }
  /** It cannot be told now: a throw, no answer in time, or an answer of a wrong type. It says nothing of the token. */
  | { readonly outcome: 'untold' }

export interface Credentials {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
}

/** One question to `authenticate`. */
export interface Identification<User> {
  /** Never rejects. */
  readonly answer: Promise<Identified<User>>
  /** Nobody waits for it any more: the leg is gone. */
  abandon(): void
}

/** Asks `authenticate`, so many times at once and no more; the others wait for their turn. */
export interface Authenticator<User> {
  ask(credentials: Credentials): Identification<User>
  /** Calls that go on although nobody waits for them any more. */
  readonly abandoned: number
}

export interface AuthenticatorDeps<User> {
  readonly authenticate: Authenticate<User>
  readonly clock: Clock
  /** Milliseconds for one question, the wait for its turn included. */
  readonly patience: number
  /** Calls under way, also those that nobody waits for any more. */
  readonly maxCalls: number
  /** A call has ended, or counts as ended, that nobody waited for any more. */
  wasted?(): void
  onError(error: unknown, doing: string): void
}

/**
 * Milliseconds after its signal fired in which a call may still settle. One that does not is taken for lost, and its
 * place given away: otherwise as many as may be under way could shut the server for ever.
 */
const DEAF = 30_000

export function createAuthenticator<User>({
  authenticate,
  clock,
  patience,
  maxCalls,
  wasted,
  onError,
}: AuthenticatorDeps<User>): Authenticator<User> {
  const underWay = new Set<{ abandonedAt: number | null }>()
  /** In the order in which they came. */
  const waiting = new Set<() => void>()
  let saidSubject = false
  let abandoned = 0

  function over(call: { abandonedAt: number | null }) {
    if (!underWay.delete(call) || call.abandonedAt === null) return
    abandoned--
    wasted?.()
  }

  function next() {
    for (const begin of waiting) {
      if (underWay.size >= maxCalls) return
      begin()
    }
  }

  function giveAwayLost() {
    for (const call of underWay) {
      if (call.abandonedAt === null || clock.monotonic() - call.abandonedAt < DEAF) continue
      over(call)
      onError(
        new LiveSocketError(
          'timeout',
          `authenticate has not ended ${DEAF} ms after its signal fired: pass the signal on to what it calls`,
        ),
        'authenticating',
      )
    }
    next()
  }

  function ask({ token, ...rest }: Credentials): Identification<User> {
    const call: { abandonedAt: number | null } = { abandonedAt: null }
    // Made for those who look at the signal: after a crash everybody comes back, and each of them costs.
    let controller: AbortController | null = null
    let settled = false
    let cancel: () => void = () => undefined
    let settle: (identified: Identified<User>) => void
    const answer = new Promise<Identified<User>>((resolve) => void (settle = resolve))
    const credentials = {
      ...rest,
      ...(token === undefined ? undefined : { token }),
      get signal() {
        controller ??= new AbortController()
        if (call.abandonedAt !== null) controller.abort()
        return controller.signal
      },
    }

    function end(identified: Identified<User>) {
      settled = true
      cancel()
      waiting.delete(begin)
      settle(identified)
    }

    function begin() {
      waiting.delete(begin)
      try {
        const asked = authenticate(credentials)
        if (!isPromise(asked)) return judge(asked)
        underWay.add(call)
        const afterwards =
          <Value>(then: (value: Value) => void) =>
          (value: Value) => {
            over(call)
            then(value)
            next()
          }
        Promise.resolve(asked).then(afterwards(judge), afterwards(failed))
      } catch (error) {
        failed(error)
      }
    }

    function judge(user: User | null | undefined | false) {
      if (settled) return
      if (!user) return end({ outcome: 'refused' })
      try {
        const fields = readUser(user)
        if (fields.subject === undefined && !saidSubject) {
          saidSubject = true
          onError(noSubject(), 'authenticating')
        }
        end({ outcome: 'known', user, ...fields })
      } catch (error) {
        failed(error)
      }
    }

    function failed(error: unknown) {
      if (settled) return
      onError(redactedError(error, token === undefined ? [] : [token], 'authenticate'), 'authenticating')
      end({ outcome: 'untold' })
    }

    function late() {
      const why = underWay.has(call)
        ? `did not answer within ${patience} ms`
        : `was not asked within ${patience} ms: limits.maxAuthenticating, ${maxCalls} calls, are under way`
      onError(new LiveSocketError('timeout', `authenticate ${why}`), 'authenticating')
      abandon()
    }

    function abandon() {
      if (settled) return
      call.abandonedAt = clock.monotonic()
      if (underWay.has(call)) abandoned++
      controller?.abort()
      end({ outcome: 'untold' })
    }

    giveAwayLost()
    if (underWay.size < maxCalls) begin()
    else waiting.add(begin)
    if (!settled) cancel = clock.setTimeout(late, patience)
    return { answer, abandon }
  }

  return {
    ask,
    get abandoned() {
      return abandoned
    },
  }
}

function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
