/**
 * The property in which a class that only looks like a WebSocket holds the class that makes its sockets. A global
 * symbol, because other copies of this package use it too.
 */
export const PHYSICAL = Symbol.for('livesocket.physical')

/**
 * The class to dial with. An application may have replaced the platform's class with ours, which must not dial through
 * itself.
 */
export function physicalSocket(given?: unknown): unknown {
  const Class: unknown = given ?? globalThis.WebSocket
  return typeof Class === 'function' && PHYSICAL in Class ? Class[PHYSICAL] : Class
}
