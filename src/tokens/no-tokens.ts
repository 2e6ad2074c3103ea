import { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { redactedError } from '../base/token-redaction.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers } from './token-part.js'

/** Replaces the token keeper in a live socket that is made without that part: it never fetches a token. */
export function noTokens(_deps: TokenKeeperDeps, handlers: TokenKeeperHandlers): TokenKeeper {
  let over = false
  let refusals = 0
  const nothing = () => undefined
  return {
    async token() {
      return undefined
    },
    accepted() {
      refusals = 0
    },
    // As with a token, the second refusal in a row ends the session.
    rejected() {
      if (over || ++refusals < 2) return
      over = true
      handlers.ended('token-refused')
    },
    request: nothing,
    push() {
      const error = new LiveSocketError(
        'invalid',
        explain`the server offers a token, and this socket was made without the part \`tokens\``,
      )
      handlers.failed({ reason: 'requested', error, retryIn: 0 })
    },
    redactedError: (thrown, who) => redactedError(thrown, [], who),
    open: () => !over,
    lookIfChanged: nothing,
    suspend: nothing,
    signOut() {
      over = true
    },
    rest: nothing,
  }
}
