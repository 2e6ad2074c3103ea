import { expect, it } from 'vitest'
import { createRing } from '../../src/devtools/ring.js'

it('keeps the newest, in order, and says how many that cost', () => {
  const ring = createRing<number>(3)
  expect([ring.items(), ring.last(), ring.dropped]).toEqual([[], undefined, 0])
  for (let item = 1; item <= 1_000; item++) {
    ring.push(item)
    expect(ring.items()).toEqual([item - 2, item - 1, item].filter((one) => one > 0))
    expect(ring.dropped).toBe(Math.max(0, item - 3))
  }
  ring.clear()
  expect([ring.items(), ring.last(), ring.dropped]).toEqual([[], undefined, 0])
})
