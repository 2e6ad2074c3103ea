import { seededRandom } from '../kit/seeded-random.js'
import type { Happening, WorldOptions } from './world.js'

/** What each kind of actor may do. */
const SERVERS: readonly (readonly Happening[])[] = [
  ['append', 'append', 'append', 'append-hidden'],
  ['move', 'move-here', 'drain', 'cancel-drain'],
  ['crash', 'restart', 'busy', 'well'],
  ['lose', 'trim'],
  ['token-fails'],
]
const TAB: readonly (readonly Happening[])[] = [
  ['publish'],
  ['reset', 'handover'],
  ['hidden', 'shown', 'stored', 'restored', 'offline', 'online', 'network-change'],
]
const SECOND_TAB: readonly (readonly Happening[])[] = [['2:publish'], ['2:reset', '2:hidden', '2:shown', '2:handover']]

/** A world drawn from a seed: who is there, and what each of them does. */
export function randomWorld(seed: number): WorldOptions {
  const random = seededRandom(seed)
  const draw = (count: number) => Math.floor(random() * count)
  const tabs = random() < 0.75 ? 1 : 2
  const actors = [...SERVERS, ...TAB, ...(tabs === 2 ? SECOND_TAB : [])]
    .map((kind): Happening[] => {
      const many = random() < 0.3 ? 0 : 1 + draw(kind.includes('append') || kind.includes('publish') ? 8 : 4)
      return Array.from({ length: many }, () => kind[draw(kind.length)]!)
    })
    .filter((actor) => actor.length > 0)
  // Two tokens refused in a row end a session, and rightly.
  if (random() < 0.3) actors.push(['revoke'])
  if (random() < 0.2) actors.push(['sign-out', 'sign-in'])
  return { servers: 2 + draw(2), tabs, actors, token: random() < 0.5, maxSteps: 400 }
}
