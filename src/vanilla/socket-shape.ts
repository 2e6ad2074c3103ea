import type { Listeners } from './listeners.js'

/** The types of events that a WebSocket emits. */
export const TYPES = ['open', 'message', 'error', 'close'] as const

const STATES = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }

/**
 * Gives a class what an `interface` of the standard has besides its methods: the states as constants of the class and
 * of each socket, `onopen` and the like, and `EventTarget` as its prototype, which only `instanceof` needs.
 */
export function shapeAsWebSocket<Socket extends EventTarget>(
  Class: { readonly prototype: Socket },
  listenersOf: (socket: Socket) => Listeners,
): void {
  const { prototype } = Class
  if (typeof EventTarget === 'function') Object.setPrototypeOf(prototype, EventTarget.prototype)
  for (const [name, value] of Object.entries(STATES))
    for (const owner of [Class, prototype])
      Object.defineProperty(owner, name, { value, enumerable: true, writable: false })
  for (const type of TYPES) {
    Object.defineProperty(prototype, `on${type}`, {
      enumerable: true,
      configurable: true,
      get(this: Socket) {
        return listenersOf(this).handlerOf(type)
      },
      set(this: Socket, given: unknown) {
        listenersOf(this).setHandler(type, typeof given === 'function' ? (given as EventListener) : null)
      },
    })
  }
}
