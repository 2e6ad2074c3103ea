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

/**
 * The side on which a happening of one tab takes place. What the network does to a connection counts as the servers'
 * side.
 */
export const sideOf = (happening: Happening): Move['side'] => (OF_PAGE.has(happening) ? 'page' : 'servers')
