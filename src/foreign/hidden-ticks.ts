import type { Clock } from '../base/clock.js'

/** Longer than a look elsewhere, and well before a browser lets timers of a hidden tab run once a minute (5 min), ms. */
const HIDDEN_LONG = 60_000

/** With the 16 s after which a client speaks it is within the shortest patience that is common (30 s), ms. */
const EVERY = 10_000

/**
 * Calls `tick` every 10 s from the page's second minute in the back on: by a worker's timer, which no browser puts off
 * as it does a hidden page's own. Where there are no workers, or the page's policy forbids this one, nothing ticks.
 * Returns the undo.
 */
export function tickWhileHidden(clock: Clock, tick: () => void): () => void {
  let worker: Worker | undefined
  const cancel = clock.setTimeout(() => (worker = startTicking(tick)), HIDDEN_LONG)
  return () => {
    cancel()
    worker?.terminate()
  }
}

/** `every`: milliseconds. */
export function startTicking(tick: () => void, every = EVERY): Worker | undefined {
  if (typeof Worker !== 'function') return undefined
  const url = URL.createObjectURL(
    new Blob([`setInterval(() => postMessage(0), ${every})`], { type: 'text/javascript' }),
  )
  try {
    const worker = new Worker(url)
    worker.onmessage = () => tick()
    // A policy that forbids it tells some browsers so by an error event of the worker's, which is no error of the page.
    worker.onerror = (event) => event.preventDefault()
    return worker
  } catch {
    return undefined
  } finally {
    URL.revokeObjectURL(url)
  }
}
