import { createRecorder, type Arrival } from '../../src/devtools/recorder.js'
import type { TimelineMark, TimelinePicture } from '../../src/devtools/timeline.js'
import type { LiveSocket } from '../../src/index.js'

export interface Drawing {
  arrived(leg: number): void
  missed(): void
  picture(marks: readonly TimelineMark[]): TimelinePicture
}

/**
 * Records what the devtools' timeline draws of a live socket. `place`: the horizontal position, which replaces time.
 */
export function draw(socket: LiveSocket, place: () => number): Drawing {
  // The clock sets no timer: a timer would be one more event, and the schedule would be a different one.
  const clock = {
    now: place,
    monotonic: place,
    setTimeout: () => () => {},
    settled: () => () => {},
    frame: () => () => {},
  }
  const recorder = createRecorder(socket, { clock })
  const arrivals: Arrival[] = []
  const lost: number[] = []
  return {
    arrived: (leg) => void arrivals.push({ at: place(), leg, delivered: 1, duplicates: 0, held: 0 }),
    missed: () => void lost.push(place()),
    picture: (marks) => ({ now: place(), span: place(), legs: recorder.legs, arrivals, marks, lost }),
  }
}
