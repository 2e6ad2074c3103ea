import { systemClock } from '../../src/base/clock.js'

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => systemClock.setTimeout(done, ms))
}

/** Waits until it is true, and says what it waited for where it never is. */
export async function until(test: () => boolean, limit: number, what: string): Promise<void> {
  const start = systemClock.monotonic()
  while (!test()) {
    if (systemClock.monotonic() - start > limit) throw new Error(`Waited ${limit} ms for ${what}.`)
    await sleep(10)
  }
}
