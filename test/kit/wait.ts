import { systemClock } from '../../src/base/clock.js'

/** Resolves after `ms` milliseconds of real time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((done) => void systemClock.setTimeout(done, ms))
}

/** Waits until `holds` is true, at most `limit` ms. The error after that says what it waited for. */
export async function until(holds: () => boolean | Promise<boolean>, limit: number, what: string): Promise<void> {
  const start = systemClock.monotonic()
  while (!(await holds())) {
    if (systemClock.monotonic() - start > limit) throw new Error(`Waited ${limit} ms for ${what}.`)
    await sleep(10)
  }
}
