import { serialise } from '../../protocol/json.js'
import { attempt } from '../attempt.js'
import type { Clock } from '../../base/clock.js'
import { invalid, quoted, shown } from '../../base/invalid.js'
import { readUser } from '../identity/identity.js'
import type { MaybePromise } from '../maybe-promise.js'
import { RequestRefused } from '../request-refusal.js'

/** See `LiveServerOptions.presence`. */
export type PresenceOption<User> = (ask: {
  readonly topic: string
  readonly user: User
}) => MaybePromise<boolean | { readonly show: unknown }>

export interface ShownUserDeps<User> {
  readonly presence: PresenceOption<User>
  readonly clock: Clock
  readonly patience: number
  readonly maxData: number
  onError(error: unknown, doing: string): void
}

/**
 * What others see of the user in that topic, as JSON text. Throws `RequestRefused` if the user may not be shown, or if
 * it cannot be decided or sent.
 */
export async function shownUser<User>(
  { presence, onError, maxData, ...time }: ShownUserDeps<User>,
  topic: string,
  user: User,
): Promise<string> {
  const doing = `asking presence about ${quoted(topic)}`
  const asked = await attempt(time, 'presence took longer than limits.requestTimeout', () => presence({ topic, user }))
  if ('thrown' in asked) {
    onError(asked.thrown, doing)
    throw new RequestRefused('busy', 'The server cannot check at present whether this is allowed.', undefined, 1_000)
  }
  const { value } = asked
  const shows = typeof value === 'object' && value !== null && 'show' in value
  if (value === true || shows) {
    const text = serialise((shows ? value.show : readUser(user).subject) ?? null)
    if ('json' in text && text.json.length <= maxData) return text.json
    onError(
      invalid(
        `presence must show JSON of at most ${maxData} characters (limits.maxPresenceData): ${'json' in text ? `it has ${text.json.length}` : text.invalid}`,
      ),
      doing,
    )
    throw new RequestRefused('error', 'What the server shows of this user cannot be sent.')
  }
  if (value !== false) onError(invalid(`presence must answer true, false or { show }, not ${shown(value)}`), doing)
  throw new RequestRefused('forbidden', 'Being present in this topic is not allowed.')
}
