import { createRecorder, type Arrival } from '../../src/devtools/recorder.js'
import type { TimelineMark, TimelinePicture } from '../../src/devtools/timeline.js'
import type { LiveSocket } from '../../src/index.js'

export interface Drawing {
  arrived(leg: number): void
  missed(): void
  picture(marks: readonly TimelineMark[]): TimelinePicture
}

/** Writes down what the devtools' timeline draws of a live socket. `place`: how far to the right, in place of time. */
export function draw(socket: LiveSocket, place: () => number): Drawing {
  // It sets no timer: that would be one more thing that can happen, and another schedule.
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
