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

/** See `LiveServerOptions.filter`. */
export type Filter<User> = (ask: Visibility<User>) => boolean

type OnFailure = (error: unknown, doing: string) => void

/** The filter's answer. Without a filter everything is visible; if the filter fails, the message is hidden. */
export function visibleTo<User>(
  filter: Filter<User> | undefined,
  onError: OnFailure,
): (ask: Visibility<User>) => boolean {
  return (ask) => filter === undefined || asksFilter(filter, ask, onError)
}

/** Calls the filter. If it fails, the error is reported and the message is hidden. */
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
