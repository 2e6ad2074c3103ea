import type { Protocol } from '../protocol/protocol.js'
import type { RequestsPart } from '../requests/requests.js'
import type { SignalsPart } from '../signals/signals.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers } from '../tokens/token-part.js'
import type { schemas } from './schemas.js'

/** The optional parts of a live socket. An application that leaves a part out does not load it. */
export interface Parts {
  /** The options `getToken` and `tokenRefresh`, and the sharing of tokens between tabs. */
  readonly tokens?: (deps: TokenKeeperDeps, handlers: TokenKeeperHandlers) => TokenKeeper
  /** The options `schemas` and `methods`. */
  readonly schemas?: typeof schemas
  /** The method `request`. */
  readonly requests?: RequestsPart
  /** The methods `signal` and `onSignal`. */
  readonly signals?: SignalsPart
}

/** The parts with stand-ins for those left out, and the default protocol. */
export interface AllParts extends Parts {
  readonly requests: RequestsPart
  readonly signals: SignalsPart
  readonly protocol: () => Protocol
  /** The stand-in for `tokens` if that part is left out; loaded only then. */
  readonly noTokens?: Parts['tokens']
}
