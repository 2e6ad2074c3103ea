import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.js'

/**
 * When what is written to the connections of a server leaves: at the end of the turn, and where the process has
 * come to spend much of its time on writing, some milliseconds later. A write is a call of the system, dearer than many frames, and
 * wakes whoever reads at the other end: a server with much to say gives each connection at once what has come together for it.
 */
export interface Outlet {
  /** What this connection is given from now on leaves with everybody else's. */
  hold(stream: Duplex): void
}

/** How often it is looked at how much of the time went into writing, ms. */
const LOOK = 100
/** Over which time the share is taken, ms. */
const MEMORY = 1_000
/** Below this share of the time nothing waits. */
const LITTLE = 0.05
/** Milliseconds to wait where all of the time went into writing: a tenth of it is 10 ms. */
const FULL = 100
/** Less than a frame of a screen, ms. */
const LONGEST = 10
/** Bytes that one connection may have waiting: more leaves at once. */
const MOST = 16 * 1_024

export function createOutlet(clock: Clock): Outlet {
  let held = new Set<Duplex>()
  let wait = 0
  let spent = 0
  let share = 0
  let lookedAt = clock.monotonic()

  function release() {
    const streams = held
    held = new Set()
    const begun = clock.monotonic()
    for (const stream of streams) stream.uncork()
    const now = clock.monotonic()
    spent += now - begun
    if (now - lookedAt < LOOK) return
    // Of the last second or so: one turn says little. After a rest it starts over.
    const elapsed = now - lookedAt
    share += (spent / elapsed - share) * Math.min(1, elapsed / MEMORY)
    wait = share < LITTLE ? 0 : Math.min(LONGEST, share * FULL)
    spent = 0
    lookedAt = now
  }

  return {
    hold(stream) {
      if (held.has(stream)) {
        if (stream.writableLength < MOST) return
        stream.uncork()
        stream.cork()
        return
      }
      stream.cork()
      held.add(stream)
      if (held.size > 1) return
      if (wait === 0) process.nextTick(release)
      else clock.setTimeout(release, wait)
    },
  }
}
