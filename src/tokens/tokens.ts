import { browserTabs } from '../host/tabs.js'
import { createTokenKeeper } from './token-keeper.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers } from './token-part.js'

/** Part of a live socket: the options `getToken` and `tokenRefresh`, and what the tabs of a browser share of tokens. */
export function tokens(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers): TokenKeeper {
  return createTokenKeeper({ ...deps, tabs: deps.tabs ?? browserTabs }, handlers)
}
