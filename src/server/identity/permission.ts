import type { Clock } from '../../base/clock.js'
import { attempt } from '../attempt.js'
import { invalid, quoted } from '../../base/invalid.js'
import type { MaybePromise } from '../maybe-promise.js'
import { Refused, refusalFrame } from '../refused.js'

/** What `authorize` is called with. */
export interface Authorization<User> {
  readonly action: 'subscribe' | 'publish' | 'signal'
  readonly topic: string
  readonly user: User
  readonly session: string
  /** The data to be published; absent for other actions. */
  readonly data?: unknown
}

/** See `LiveServerOptions.authorize`. */
export type Authorize<User> = (ask: Authorization<User>) => MaybePromise<boolean>

/**
 * Why it is denied; null if it is allowed. With `retryAfter` it cannot be decided now. `data` is that of a `Refused`.
 */
export type Denial = {
  readonly code: string
  readonly message: string
  readonly data?: unknown
  readonly retryAfter?: number
} | null

/** Calls `authorize`, within its time limit. Never rejects. */
export type Permission<User> = (ask: Authorization<User>) => Promise<Denial>

const DOING = { subscribe: 'a subscription to', publish: 'a publish into', signal: 'signals to' } as const
const FORBIDDEN = {
  subscribe: 'Subscribing to this topic is not allowed.',
  publish: 'Publishing into this topic is not allowed.',
  signal: 'Signals to this topic are not allowed.',
} as const

/** Codes that an error about a topic uses for something else: not answered yet, and ended while it was served. */
const OTHERS = ['timeout', 'ended']

export interface PermissionDeps {
  readonly clock: Clock
  /** Milliseconds that a call may take for a publish. */
  readonly publishTimeout: number
  /** Milliseconds for the greeting of a leg, of which one topic's answer may not take all. */
  readonly helloTimeout: number
  onError(error: unknown, doing: string): void
}

/**
 * Without `authorize` clients may subscribe, and may neither publish nor signal: what the application has not decided
 * on is not open to everybody.
 */
export function createPermission<User>(
  authorize: Authorize<User> | undefined,
  { clock, publishTimeout, helloTimeout, onError }: PermissionDeps,
): Permission<User> {
  const forPublishes = { clock, patience: publishTimeout }
  const forOthers = { clock, patience: Math.min(publishTimeout, helloTimeout / 2) }
  let saidAbsent = false

  function absent(): Denial {
    if (!saidAbsent)
      onError(
        invalid(
          'A client wants to publish or to signal, and createLiveServer was given no authorize: without it clients may only subscribe. This is reported once',
        ),
        'authorizing',
      )
    saidAbsent = true
    return {
      code: 'forbidden',
      message:
        'Clients may neither publish nor signal here: the server has no authorize. Give createLiveServer one, such as authorize: ({ action, topic, user }) => true.',
    }
  }

  return async (ask) => {
    if (!authorize) return ask.action === 'subscribe' ? null : absent()
    const doing = `authorizing ${DOING[ask.action]} ${quoted(ask.topic)}`
    const asked = await attempt<unknown>(
      ask.action === 'publish' ? forPublishes : forOthers,
      'authorize took too long',
      () => authorize(ask),
    )
    if ('thrown' in asked && asked.thrown instanceof Refused) {
      const { refusal, problem } = refusalFrame(asked.thrown)
      const { type: _, ...denial } = refusal
      if (problem) onError(problem, doing)
      if (!OTHERS.includes(denial.code)) return denial
      onError(
        invalid(`authorize refused with the reason "${denial.code}", which means something else on the wire`),
        doing,
      )
      return { ...denial, code: 'refused' }
    }
    if ('thrown' in asked) {
      onError(asked.thrown, doing)
      return { code: 'busy', message: 'The server cannot check at present whether this is allowed.', retryAfter: 1_000 }
    }
    const allowed = asked.value
    if (allowed === true) return null
    if (allowed !== false)
      onError(
        invalid(
          `authorize must answer true or false, not ${allowed === null ? 'null' : typeof allowed}: it counts as false`,
        ),
        doing,
      )
    return { code: 'forbidden', message: FORBIDDEN[ask.action] }
  }
}
