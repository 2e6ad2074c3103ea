import type { Clock } from '../../base/clock.js'
import type { Encoded } from '../topics/encoded.js'
import type { WritingStream } from './writing-stream.js'

/**
 * Decides when frames that are written to the connections leave. Normally that is the end of the turn. If the process
 * spends a large share of its time on writing, a connection that is written to again and again gets what has gathered
 * for it some milliseconds later. A write is a system call, which costs more than many frames, and it wakes the reader
 * at the other end.
 */
export interface WriteCoalescing {
  /**
   * Writes a frame: what a connection is given until the end of the turn leaves together.
   *
   * @param quiet milliseconds since the connection was last given something. One that was quiet for long has nothing to
   * gather, and never waits.
   * @param alone no other frame of this turn belongs with it: it leaves at once, unless something has been gathered
   * already.
   */
  write(stream: WritingStream, frame: Encoded, quiet: number, alone: boolean): void
}

/** Milliseconds between measurements of how much time was spent on writing. */
const LOOK = 100
/** Milliseconds over which the share is averaged. */
const MEMORY = 1_000
/** Below this share of the time nothing waits. */
const LITTLE = 0.03
/** Milliseconds to wait if all of the time were spent on writing: at a tenth of it the wait is 40 ms. */
const FULL = 400
/** Milliseconds. A topic of 200 messages a second then leaves eight at a time, and nobody sees the difference. */
const LONGEST = 40
/** The most bytes that may wait for one connection: more leaves at once. */
const MOST = 16 * 1_024

export function createWriteCoalescing(clock: Clock): WriteCoalescing {
  let wait = 0
  let spent = 0
  let share = 0
  let lookedAt = clock.monotonic()

  const soon = gather((task) => process.nextTick(task))
  const later = gather((task) => void clock.setTimeout(task, wait))

  /** Corks connections from the first one on until `schedule` calls back. */
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
    // An average over the last second or so, because one turn says little. After a rest it starts over.
    const elapsed = now - lookedAt
    share += (spent / elapsed - share) * Math.min(1, elapsed / MEMORY)
    wait = share < LITTLE ? 0 : Math.min(LONGEST, share * FULL)
    spent = 0
    lookedAt = now
  }

  function cork(stream: WritingStream, quiet: number) {
    // A corked connection is already gathered: nothing else corks one for longer than a call.
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
