import type { LiveSocketEvents } from '../handover/events.js'

/** Every type of event. The type of this object makes a missing one a compile error. */
const ALL: Readonly<Record<keyof LiveSocketEvents, true>> = {
  'leg-dialling': true,
  'leg-open': true,
  'leg-ready': true,
  'leg-closed': true,
  'handover-requested': true,
  'handover-started': true,
  cutover: true,
  'handover-finished': true,
  'handover-failed': true,
  gap: true,
  'token-refreshed': true,
  'token-failed': true,
  'session-ended': true,
  invalid: true,
  'redirect-refused': true,
  error: true,
}

export const EVENT_TYPES = Object.keys(ALL) as readonly (keyof LiveSocketEvents)[]
