import { invalid, quoted } from '../base/invalid.js'
import { callOut } from './reporter.js'

/** What `filter` is asked: whether this user may see this message. */
export interface Visibility<User> {
  readonly topic: string
  readonly data: unknown
  readonly offset: number
  readonly user: User
  readonly session: string
}

/** See `LiveServerOptions`. */
export type Filter<User> = (ask: Visibility<User>) => boolean

type OnFailure = (error: unknown, doing: string) => void

/** What the filter says; where there is none, or it fails, what is safe. */
export function visibleTo<User>(
  filter: Filter<User> | undefined,
  onError: OnFailure,
): (ask: Visibility<User>) => boolean {
  return (ask) => filter === undefined || asksFilter(filter, ask, onError)
}

/** What fails is told, and the message is hidden. */
export function asksFilter<User>(filter: Filter<User>, ask: Visibility<User>, onError: OnFailure): boolean {
  let sees: unknown = false
  const failed = (error: unknown) => onError(error, `filtering the topic ${quoted(ask.topic)}`)
  callOut(() => (sees = filter(ask)), failed)
  if (typeof sees !== 'boolean')
    failed(
      invalid(
        `filter must answer true or false at once, not ${sees === null ? 'null' : typeof sees}: the message was hidden`,
      ),
    )
  return sees === true
}
