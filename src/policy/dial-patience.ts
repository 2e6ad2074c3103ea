/** The longest wait for a dial, in ms, unless the application sets a longer `connectTimeout`. */
const MOST = 60_000

/**
 * How long a dial may take up to its welcome, ms: `connectTimeout · 2ⁿ`, where n (`slow`) counts the dials in a row
 * that opened and were not welcomed in time. Such a server is slow, not dead. A client that gave up after the same time
 * again would make it work for nothing each time.
 */
export function dialPatience(connectTimeout: number, slow: number): number {
  return Math.max(connectTimeout, Math.min(MOST, connectTimeout * 2 ** slow))
}
