import type { Protocol } from '../protocol/protocol.js'
import type { RequestsPart } from '../requests/requests.js'
import type { SignalsPart } from '../signals/signals.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers } from '../tokens/token-part.js'
import type { schemas } from './schemas.js'

/** What a live socket can do without. Who leaves a part out does not load it. */
export interface Parts {
  /** Tokens: `getToken`, `tokenRefresh`, and what tabs share of them. */
  readonly tokens?: (deps: TokenKeeperDeps, handlers: TokenKeeperHandlers) => TokenKeeper
  /** `schemas` and `methods`. */
  readonly schemas?: typeof schemas
  /** `request`. */
  readonly requests?: RequestsPart
  /** `signal` and `onSignal`. */
  readonly signals?: SignalsPart
}

/** With what it speaks where the options name no protocol, and what stands for the parts that it does without. */
export interface AllParts extends Parts {
  readonly requests: RequestsPart
  readonly signals: SignalsPart
  readonly protocol: () => Protocol
  /** What stands in the place of `tokens` where that is left out, and is loaded there alone. */
  readonly noTokens?: Parts['tokens']
}
