/** What happens to a server with live clients: more load than it, or a service behind it, can carry. Milliseconds. */
export interface LiveScenario {
  readonly name: string
  readonly title: string
  /**
   * `fan-out`: more is published than the server can write. `slow-redis`: more is published than Redis can append.
   * `stand-still`: the event loop is blocked.
   */
  readonly trouble: 'fan-out' | 'slow-redis' | 'stand-still'
  readonly lasts: number
  readonly readers: number
  /** How many additional subscribers read nothing. */
  readonly deaf: number
  readonly publishers: number
  /** Messages a second of each publisher during the trouble, and the bytes of a message. */
  readonly perSecond: number
  readonly bytes: number
  /** Messages that the log keeps of a topic; absent: its default. All messages of the trouble must fit. */
  readonly keeps?: number
  /** The longest wait until all is calm. */
  readonly limit: number
}

/** Messages a second of each publisher before and after the trouble. */
export const CALM_RATE = 5

export const LIVE_SCENARIOS: readonly LiveScenario[] = [
  {
    name: 'fan-out',
    title: '4,000 messages of 2 KB a second for 200 clients that read and 20 that do not',
    trouble: 'fan-out',
    lasts: 15_000,
    readers: 200,
    deaf: 20,
    publishers: 10,
    perSecond: 400,
    bytes: 2_000,
    limit: 60_000,
  },
  {
    name: 'slow-redis',
    title: '1,000 messages a second for a Redis that works only for a moment every 0.4 s',
    trouble: 'slow-redis',
    lasts: 15_000,
    readers: 10,
    deaf: 0,
    publishers: 20,
    perSecond: 50,
    bytes: 200,
    keeps: 50_000,
    limit: 120_000,
  },
  {
    name: 'stand-still',
    title: 'the event loop stands still for 15 s',
    trouble: 'stand-still',
    lasts: 15_000,
    readers: 50,
    deaf: 0,
    publishers: 20,
    perSecond: 10,
    bytes: 200,
    keeps: 10_000,
    limit: 60_000,
  },
]

/** Versions of the scenarios that take seconds. */
export const SMALL_LIVE: readonly LiveScenario[] = [
  { ...scenario('fan-out'), lasts: 1_000, readers: 30, deaf: 3, publishers: 4, perSecond: 1_000 },
  { ...scenario('slow-redis'), lasts: 1_000, readers: 5, publishers: 4, perSecond: 250 },
  { ...scenario('stand-still'), lasts: 1_500, readers: 20, publishers: 5 },
]

function scenario(trouble: LiveScenario['trouble']): LiveScenario {
  const found = LIVE_SCENARIOS.find(({ name }) => name === trouble)!
  return { ...found, limit: 20_000 }
}
