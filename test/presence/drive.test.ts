import { expect, test } from 'vitest'
import { drivePresence } from './drive.js'

test('while three server processes are killed one after the other: every client sees all members that come and go, and a member that dies with its server leaves once, within the lease and two seconds', async () => {
  const lease = 1_500
  const result = await drivePresence({ members: 20, moves: 40, kills: 2, lease })
  expect(result).toMatchObject({ moves: 40, kills: 2, flickers: 0, leftTwice: 0, different: 0 })
  expect(result.died).toBeGreaterThan(0)
  expect(result.longestLeaving).toBeLessThan(lease + 2_000)
}, 60_000)
