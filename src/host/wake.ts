import { type Clock, instant } from '../base/clock.js'
import type { Page } from './page.js'

/** How often it checks, ms: a sleep is noticed within this time of its end. */
const LOOK = 1_000

/**
 * A visible page's timers are late by milliseconds. They are late by this much, in ms, only if the machine or the whole
 * program stood still.
 */
const STOOD_STILL = 2_000

/**
 * Calls `woke` when this machine has slept or this program was stopped, which shows as a second that took several.
 * While the page is hidden, its timers run as rarely as once a minute, so only a difference between the two clocks
 * counts. Returns the undo.
 */
export function watchWake(clock: Clock, page: Pick<Page, 'hidden'>, woke: () => void): () => void {
  let before = instant(clock)
  let wasHidden = page.hidden()
  const look = () => {
    const now = instant(clock)
    const wall = now.wall - before.wall
    const monotonic = now.monotonic - before.monotonic
    const isHidden = page.hidden()
    const throttled = wasHidden || isHidden
    before = now
    wasHidden = isHidden
    cancel = clock.setTimeout(look, LOOK)
    if ((throttled ? wall - monotonic : Math.max(wall, monotonic) - LOOK) > STOOD_STILL) woke()
  }
  let cancel = clock.setTimeout(look, LOOK)
  return () => cancel()
}
