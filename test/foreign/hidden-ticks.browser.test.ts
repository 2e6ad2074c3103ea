import { expect, it } from 'vitest'
import { startTicking } from '../../src/foreign/hidden-ticks.js'

/** Starts a worker of the real browser, and resolves when it has ticked `count` times. */
function ticking(count: number) {
  let ticks = 0
  let worker!: Worker
  const ticked = new Promise<void>((resolve) => {
    worker = startTicking(() => ++ticks >= count && resolve(), 20)!
  })
  return { worker, ticked, ticks: () => ticks }
}

it('a worker of a real browser ticks until it is ended', async () => {
  const one = ticking(3)
  await one.ticked
  one.worker.terminate()
  const last = one.ticks()
  const other = ticking(5)
  await other.ticked
  other.worker.terminate()
  // One tick may have been under way.
  expect(one.ticks() - last).toBeLessThanOrEqual(1)
})
