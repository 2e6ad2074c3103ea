import type { LiveSocketEvents } from '../../src/handover/events.js'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'

/** A live socket with any topics. */
interface Telling {
  on<Type extends keyof LiveSocketEvents>(type: Type, listener: (event: LiveSocketEvents[Type]) => void): () => void
}

/** Records all events of a live socket from now on, in order. */
export function toldBy(socket: Telling) {
  const events: { type: keyof LiveSocketEvents; event: object }[] = []
  for (const type of EVENT_TYPES) socket.on(type, (event) => void events.push({ type, event }))
  return {
    /** The recorded events of these types. */
    told: (...types: (keyof LiveSocketEvents)[]) =>
      events.filter(({ type }) => types.includes(type)).map(({ type, event }) => ({ type, ...event })),
    /** The names of all recorded events. */
    names: () => events.map(({ type }) => type),
  }
}
