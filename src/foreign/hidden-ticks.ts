import type { Clock } from '../base/clock.js'

/**
 * Milliseconds. Longer than a look at another tab, and well before browsers slow the timers of a hidden tab down to one
 * a minute (after 5 min).
 */
const HIDDEN_LONG = 60_000

/**
 * Milliseconds. Together with the 16 s after which a client sends something, it stays within the shortest common
 * patience of servers (30 s).
 */
const EVERY = 10_000

/**
 * Calls `tick` every 10 s once the page has been hidden for a minute. A worker's timer does it, which no browser slows
 * down as it does a hidden page's own timers. Without workers, or if the page's policy forbids this one, nothing ticks.
 * Returns a function that stops it.
 */
export function tickWhileHidden(clock: Clock, tick: () => void): () => void {
  let worker: Worker | undefined
  const cancel = clock.setTimeout(() => (worker = startTicking(tick)), HIDDEN_LONG)
  return () => {
    cancel()
    worker?.terminate()
  }
}

/** @param every milliseconds. */
export function startTicking(tick: () => void, every = EVERY): Worker | undefined {
  if (typeof Worker !== 'function') return undefined
  const url = URL.createObjectURL(
    new Blob([`setInterval(() => postMessage(0), ${every})`], { type: 'text/javascript' }),
  )
  try {
    const worker = new Worker(url)
    worker.onmessage = () => tick()
    // In some browsers a policy that forbids the worker causes an error event of the worker, which is no error of the
    // page.
    worker.onerror = (event) => event.preventDefault()
    return worker
  } catch {
    return undefined
  } finally {
    URL.revokeObjectURL(url)
  }
}
