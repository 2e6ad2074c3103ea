import type { Move } from './choices.js'
import type { Happening } from './world.js'

const OF_PAGE: ReadonlySet<Happening> = new Set<Happening>([
  'publish',
  'handover',
  'hidden',
  'shown',
  'stored',
  'restored',
  'network-change',
])

/** Where a happening of one tab happens. What the network does to a connection, servers do. */
export const sideOf = (happening: Happening): Move['side'] => (OF_PAGE.has(happening) ? 'page' : 'servers')
