/** No dial is waited for longer, unless the application says so. */
const MOST = 60_000

/**
 * How long a dial may take up to its welcome, ms: `connectTimeout · 2ⁿ`, n being the dials in a row that a server
 * opened and did not welcome in time. It is slow and not dead, and whoever leaves it again after the same time has it
 * work for nobody, again and again.
 */
export function dialPatience(connectTimeout: number, slow: number): number {
  return Math.max(connectTimeout, Math.min(MOST, connectTimeout * 2 ** slow))
}
