import { describe, expect, test } from 'vitest'
import { flood } from '../../bench/flood/flood.js'
import type { Kind } from '../../bench/flood/strangers-kinds.js'

/**
 * What docs/servers.md says that strangers can cost at the most with the default limits, with the garbage of the
 * moment.
 */
const STATED = 250 * 2 ** 20

// As much as leaves a machine with two processors, of which strangers and honest clients have one, room to judge by the
// clock. `npx tsx bench/flood/main.ts` has every kind, from one address and from many, and more of them.
describe('a flood of strangers without a credential', () => {
  test.each<[Kind, number, number]>([
    ['silent', 1, 1_000],
    ['bare', 250, 1_000],
    // 30 MB a second.
    ['half-hello', 250, 200],
    ['all', 250, 300],
  ])(
    'of kind %s, from %s addresses: the process lives, its memory is bounded, and honest clients are live within a second of their dial',
    { timeout: 60_000 },
    async (kind, addresses, atOnce) => {
      const { alive, live, missed, dialled, rss, left } = await flood({
        kind,
        addresses,
        connections: 20_000,
        atOnce,
        lasts: 4_000,
        honestEvery: 100,
        own: true,
      })
      expect({ alive, missed, left }).toEqual({ alive: true, missed: [], left: 0 })
      expect(dialled).toBeGreaterThanOrEqual(atOnce)
      expect(live.length).toBeGreaterThan(5)
      // The first of them dial while all strangers come in at once.
      expect(live[Math.floor(live.length * 0.9)]).toBeLessThan(1_000)
      expect(rss.peak - rss.before).toBeLessThan(STATED)
    },
  )
})
