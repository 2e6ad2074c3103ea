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
  /** Fires when the leg is gone. */
  readonly signal: AbortSignal
}

/** Asks `authenticate`, and waits no longer than `patience`. Never rejects; a throw is a refusal. */
export async function identify<User>(
  authenticate: LiveServerOptions<User>['authenticate'],
  { signal, token, ...rest }: Credentials,
  { clock, patience, onError }: { clock: Clock; patience: number; onError(error: unknown, doing: string): void },
): Promise<Identified<User>> {
  const own = new AbortController()
  const abort = () => own.abort()
  signal.addEventListener('abort', abort, { once: true })
  let cancel: () => void = () => undefined
  const late = new Promise<'late'>((resolve) => {
    cancel = clock.setTimeout(() => {
      resolve('late')
      own.abort()
    }, patience)
    own.signal.addEventListener('abort', () => resolve('late'), { once: true })
  })
  const asked = (async () => authenticate({ ...rest, ...(token === undefined ? undefined : { token }), signal: own.signal }))()
  try {
    const user = await Promise.race([asked, late])
    if (user === 'late') return { outcome: 'timeout' }
    return user ? { outcome: 'known', user, ...fieldsOf(user) } : { outcome: 'refused' }
  } catch (error) {
    onError(withheld(error, token === undefined ? [] : [token], 'authenticate'), 'authenticating')
    return { outcome: 'refused' }
  } finally {
    cancel()
    signal.removeEventListener('abort', abort)
    asked.catch(() => undefined)
  }
}

/** The two fields that the server reads, where they are of their type. */
function fieldsOf(user: unknown): UserFields {
  if (typeof user !== 'object' || user === null) return {}
  const { subject, tokenTtl } = user as { subject?: unknown; tokenTtl?: unknown }
  return {
    ...(typeof subject === 'string' ? { subject } : undefined),
    ...(typeof tokenTtl === 'number' && tokenTtl >= 0 && tokenTtl <= Number.MAX_SAFE_INTEGER ? { tokenTtl: Math.floor(tokenTtl) } : undefined),
  }
}
