import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { createRing } from '../../src/devtools/ring.js'

it('keeps the newest entries, in order, and counts how many it dropped', () => {
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

it('frees what it does not show any more: at most twice its limit is in memory', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const ring = createRing<object>(100)
  const pushed = Array.from({ length: 10_000 }, () => {
    const item = {}
    ring.push(item)
    return new WeakRef(item)
  })
  // The target of a new WeakRef lives until the end of the turn.
  await new Promise(setImmediate)
  collect()
  expect(pushed.filter((item) => item.deref()).length).toBeLessThanOrEqual(200)
  expect(ring.items()).toHaveLength(100)
})
