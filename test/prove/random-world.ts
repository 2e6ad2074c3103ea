import { seededRandom } from '../kit/seeded-random.js'
import type { Happening, WorldOptions } from './world.js'

interface Kind {
  readonly episodes: readonly (readonly Happening[])[]
  /** The probability that there is no such actor. */
  readonly absent: number
  /** The most episodes of the actor. */
  readonly most: number
}

/** Trouble comes and goes: in a world where it only comes, soon nothing more happens. */
const SERVERS: readonly Kind[] = [
  { episodes: [['append'], ['append'], ['append'], ['append-hidden']], absent: 0.1, most: 16 },
  {
    episodes: [['move'], ['move', 'restart'], ['move-here', 'restart'], ['drain', 'restart'], ['move', 'cancel-drain']],
    absent: 0.2,
    most: 5,
  },
  {
    episodes: [
      ['crash', 'restart'],
      ['busy', 'well'],
    ],
    absent: 0.6,
    most: 3,
  },
  { episodes: [['lose'], ['trim'], ['trim']], absent: 0.6, most: 4 },
  { episodes: [['token-fails', 'token-well']], absent: 0.7, most: 2 },
]
const TAB: readonly Kind[] = [
  { episodes: [['publish']], absent: 0.1, most: 16 },
  { episodes: [['slow', 'flow'], ['reset'], ['reset-newest'], ['handover']], absent: 0.3, most: 5 },
  {
    episodes: [['hidden', 'shown'], ['stored', 'restored'], ['offline', 'online'], ['network-change']],
    absent: 0.6,
    most: 3,
  },
]
const SECOND_TAB: readonly Kind[] = [
  { episodes: [['2:publish']], absent: 0.1, most: 6 },
  { episodes: [['2:reset'], ['2:reset-newest'], ['2:handover'], ['2:hidden', '2:shown']], absent: 0.5, most: 3 },
]

/** A world drawn from a seed: its actors, and what each of them does. */
export function randomWorld(seed: number): WorldOptions {
  const random = seededRandom(seed)
  const draw = (count: number) => Math.floor(random() * count)
  const tabs = random() < 0.75 ? 1 : 2
  const actors = [...SERVERS, ...TAB, ...(tabs === 2 ? SECOND_TAB : [])]
    .map(({ episodes, absent, most }): Happening[] =>
      random() < absent ? [] : Array.from({ length: 1 + draw(most) }, () => episodes[draw(episodes.length)]!).flat(),
    )
    .filter((actor) => actor.length > 0)
  // Two refused tokens in a row end a session, which is correct.
  if (random() < 0.3) actors.push(['revoke'])
  if (random() < 0.2) actors.push(['sign-out', 'sign-in'])
  return {
    servers: 2 + draw(2),
    tabs,
    actors,
    tokenLife: [null, 120_000, 1_200_000][draw(3)]!,
    dwell: random() < 0.5 ? 0 : 1_000,
    live: false,
    plain: false,
    haste: null,
    maxSteps: 400,
  }
}
