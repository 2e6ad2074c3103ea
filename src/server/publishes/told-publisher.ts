import { serialise } from '../../protocol/json.js'
import { LONGEST_REFUSAL } from '../bounds.js'
import { invalid, shown } from '../../base/invalid.js'
import { atOnce } from '../maybe-promise.js'

/**
 * Returns the `by` that receivers are told for a user; undefined for nothing. Throws `invalid` if `tellPublisher` is
 * neither a boolean nor a function.
 */
export function publisherOf<User>(
  tell: boolean | ((user: User) => unknown) | undefined,
  onError: (error: unknown, doing: string) => void,
): (user: User) => unknown {
  if (tell === undefined || tell === false) return () => undefined
  if (tell === true) return (user) => (user as { readonly subject?: unknown } | null)?.subject
  if (typeof tell !== 'function') throw invalid(`tellPublisher must be a boolean or a function, not ${shown(tell)}`)
  return (user) => {
    try {
      const by = atOnce('tellPublisher', tell(user))
      const text = by === undefined ? { json: '' } : serialise(by)
      if ('invalid' in text) throw invalid(`tellPublisher gave something that cannot be sent: ${text.invalid}`)
      if (text.json.length > LONGEST_REFUSAL)
        throw invalid(`tellPublisher gave ${text.json.length} characters, but may give at most ${LONGEST_REFUSAL}`)
      return by
    } catch (error) {
      onError(error, 'telling who publishes')
      return undefined
    }
  }
}
