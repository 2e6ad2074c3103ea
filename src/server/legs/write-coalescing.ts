import type { Clock } from '../../base/clock.js'
import type { Encoded } from '../topics/encoded.js'
import type { WritingStream } from './writing-stream.js'

/**
 * When what is written to the connections of a server leaves: at the end of the turn; and where the process has come to
 * spend much of its time on writing, a connection that is given something again and again gets what has come together
 * for it some milliseconds later. A write is a call of the system, dearer than many frames, and wakes whoever reads at
 * the other end.
 */
export interface WriteCoalescing {
  /**
   * Writes it: what this connection is given until the end of the turn leaves together.
   *
   * @param quiet milliseconds since it was last given something: one that was quiet for long has nothing to gather, and
   * never waits.
   * @param alone nothing of this turn belongs to it: then it leaves at once, unless something is gathered already.
   */
  write(stream: WritingStream, frame: Encoded, quiet: number, alone: boolean): void
}

/** How often it is looked at how much of the time went into writing, ms. */
const LOOK = 100
/** Over which time the share is taken, ms. */
const MEMORY = 1_000
/** Below this share of the time nothing waits. */
const LITTLE = 0.03
/** Milliseconds to wait where all of the time went into writing: a tenth of it is 40 ms. */
const FULL = 400
/** A topic of 200 messages a second leaves as eight at a time, and nobody sees the difference, ms. */
const LONGEST = 40
/** Bytes that one connection may have waiting: more leaves at once. */
const MOST = 16 * 1_024

export function createWriteCoalescing(clock: Clock): WriteCoalescing {
  let wait = 0
  let spent = 0
  let share = 0
  let lookedAt = clock.monotonic()

  const soon = gather((task) => process.nextTick(task))
  const later = gather((task) => void clock.setTimeout(task, wait))

  /** Connections that are held from the first one on until `schedule` calls. */
  function gather(schedule: (task: () => void) => void) {
    let held: WritingStream[] = []
    return (stream: WritingStream) => {
      if (held.push(stream) > 1) return
      schedule(() => {
        const streams = held
        held = []
        release(streams)
      })
    }
  }

  function release(streams: readonly WritingStream[]) {
    const begun = clock.monotonic()
    for (const stream of streams) stream.uncork()
    spend(begun)
  }

  function spend(begun: number) {
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

  function cork(stream: WritingStream, quiet: number) {
    // Whoever is corked is held already: nobody else corks one for longer than a call.
    if (stream.writableCorked > 0) {
      if (stream.writableLength < MOST) return
      stream.uncork()
      stream.cork()
      return
    }
    stream.cork()
    if (quiet >= wait) soon(stream)
    else later(stream)
  }

  return {
    write(stream, frame, quiet, alone) {
      const atOnce = alone && stream.writableCorked === 0 && quiet >= wait
      const begun = atOnce ? clock.monotonic() : 0
      if (!atOnce) cork(stream, quiet)
      stream.write(frame)
      if (atOnce) spend(begun)
    },
  }
}
