/**
 * Under this name a class that only looks like a socket has the one that makes them: other copies of this package have
 * it too.
 */
export const PHYSICAL = Symbol.for('livesocket.physical')

/**
 * The class by which to dial. An application may have put ours in the place of the platform's, and ours must not dial
 * itself.
 */
export function physicalSocket(given?: unknown): unknown {
  const Class: unknown = given ?? globalThis.WebSocket
  return typeof Class === 'function' && PHYSICAL in Class ? Class[PHYSICAL] : Class
}
