import { expect, it } from 'vitest'
import { FOREIGN, foreignMoves } from '../../bench/moves/foreign-moves.js'
import { phoenixPushes } from '../../bench/moves/phoenix-pushes.js'

// `npm run bench:moves -- --foreign` has 100 handovers of each. Those that need a program of the system have tests of
// their own.
const kinds = Object.keys(FOREIGN).filter((name) => !/mosquitto|nats|SignalR/.test(name))

it.each(kinds)('loses, repeats and reorders no message at 500 a second, whichever path is slower: %s', async (kind) => {
  for (const row of await foreignMoves(kind, 3))
    expect(row).toMatchObject({ lost: 0, repeated: 0, reordered: 0, gaps: 0, reconnects: 0 })
})

it('each push to a Phoenix channel is handled once or reported as unknown, through handovers and cuts', async () => {
  const seen = await phoenixPushes(8, 2)
  expect(seen).toMatchObject({ otherwise: 0, untrue: 0, twice: 0 })
  expect(seen.moves + seen.cuts).toBeGreaterThanOrEqual(8)
  expect(seen.answered).toBeGreaterThan(seen.unknown)
})
