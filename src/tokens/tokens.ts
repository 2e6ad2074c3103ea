/**
 * Part of a live socket: the options `getToken` and `tokenRefresh`, and the sharing of tokens between the tabs of a
 * browser.
 */
export { createTokenKeeper as tokens } from './token-keeper.js'
