import { EVENTS, type LiveSocketEvents } from '../handover/events.js'

export const EVENT_TYPES = Object.keys(EVENTS) as readonly (keyof LiveSocketEvents)[]
