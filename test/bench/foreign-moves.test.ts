import { expect, it } from 'vitest'
import { FOREIGN, foreignMoves } from '../../bench/moves/foreign-moves.js'

// `npm run bench:moves -- --foreign` has 100 moves of each. Those that need a program of the system have tests of their own.
const kinds = Object.keys(FOREIGN).filter((name) => !/mosquitto|nats|SignalR/.test(name))

it.each(kinds)(
  'loses, repeats and reorders nothing at 500 messages a second, the old path slower or faster: %s',
  async (kind) => {
    for (const row of await foreignMoves(kind, 3))
      expect(row).toMatchObject({ lost: 0, repeated: 0, reordered: 0, gaps: 0, reconnects: 0 })
  },
)
