import type { IncomingMessage } from 'node:http'
import type { Clock } from '../base/clock.js'
import { withheld } from '../base/withhold.js'
import type { LiveServerOptions, UserFields } from './options.js'

export type Identified<User> =
  | { readonly outcome: 'known'; readonly user: User; readonly subject?: string; readonly tokenTtl?: number }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'timeout' }

export interface Credentials {
  readonly token?: string
  readonly session: string
  readonly request: IncomingMessage
}

/** One question to `authenticate`. */
export interface Identification<User> {
  /** Never rejects; a throw is a refusal. */
  readonly answer: Promise<Identified<User>>
  /** Nobody waits for it any more: the leg is gone. */
  abandon(): void
}

/** Asks `authenticate`, and waits no longer than `patience`. */
export function identify<User>(
  authenticate: LiveServerOptions<User>['authenticate'],
  { token, ...rest }: Credentials,
  { clock, patience, onError }: { clock: Clock; patience: number; onError(error: unknown, doing: string): void },
): Identification<User> {
  // Made for those who look at the signal: after a crash everybody comes back, and each of them costs.
  let controller: AbortController | null = null
  let abandoned = false
  let giveUp: () => void = () => undefined
  const credentials = {
    ...rest,
    ...(token === undefined ? undefined : { token }),
    get signal() {
      controller ??= new AbortController()
      if (abandoned) controller.abort()
      return controller.signal
    },
  }

  function abandon() {
    abandoned = true
    controller?.abort()
    giveUp()
  }

  async function ask(): Promise<Identified<User>> {
    try {
      const asked = authenticate(credentials)
      const user = isPromise(asked) ? await inTime(asked) : asked
      if (user === LATE) return { outcome: 'timeout' }
      return user ? { outcome: 'known', user, ...fieldsOf(user) } : { outcome: 'refused' }
    } catch (error) {
      onError(withheld(error, token === undefined ? [] : [token], 'authenticate'), 'authenticating')
      return { outcome: 'refused' }
    }
  }

  function inTime<Value>(asked: PromiseLike<Value>): Promise<Value | typeof LATE> {
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimeout(abandon, patience)
      giveUp = () => {
        cancel()
        resolve(LATE)
      }
      asked.then(resolve, reject).then(cancel, cancel)
    })
  }

  return { answer: ask(), abandon }
}

const LATE = Symbol('late')

function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** The two fields that the server reads, where they are of their type. */
function fieldsOf(user: unknown): UserFields {
  if (typeof user !== 'object' || user === null) return {}
  const { subject, tokenTtl } = user as { subject?: unknown; tokenTtl?: unknown }
  return {
    ...(typeof subject === 'string' ? { subject } : undefined),
    // A token that is let pass although its time is over, as some clocks' tolerance has it, is over all the same.
    ...(typeof tokenTtl === 'number' && tokenTtl <= Number.MAX_SAFE_INTEGER ? { tokenTtl: Math.max(0, Math.floor(tokenTtl)) } : undefined),
  }
}
