/** Part of a live socket: the options `getToken` and `tokenRefresh`, and what the tabs of a browser share of tokens. */
export { createTokenKeeper as tokens } from './token-keeper.js'
