import { expect, it } from 'vitest'
import { watchWake } from '../../src/host/wake.js'

/** One timer and two clocks, each set by hand. */
function machine() {
  let task: (() => void) | null = null
  const clock = {
    wall: 0,
    ticks: 0,
    now: () => clock.wall,
    monotonic: () => clock.ticks,
    setTimeout: (next: () => void) => {
      task = next
      return () => void (task = null)
    },
    frame: () => () => {},
    /** The timer fires after this much time on each clock. */
    fire(wall: number, monotonic: number) {
      clock.wall += wall
      clock.ticks += monotonic
      const due = task
      task = null
      due?.()
    },
    idle: () => task === null,
  }
  return clock
}

const cases: [string, boolean, number, number, number][] = [
  ['a second that takes a second is nothing', false, 1_000, 1_000, 0],
  ['a busy main thread is nothing', false, 2_500, 2_500, 0],
  ['a laptop that slept is noticed, where the monotonic clock stood still', false, 600_000, 1_000, 1],
  ['a laptop that slept is noticed, where it ran on', false, 600_000, 600_000, 1],
  ['a hidden tab whose timers run once a minute has not slept', true, 60_000, 60_000, 0],
  ['a hidden tab on a laptop that slept has', true, 600_000, 60_000, 1],
  ['a clock that was set back is no sleep', false, -3_600_000, 1_000, 0],
]
it.each(cases)('%s', (_title, hidden, wall, monotonic, times) => {
  const clock = machine()
  let woke = 0
  watchWake(clock, { hidden: () => hidden }, () => woke++)
  clock.fire(wall, monotonic)
  expect(woke).toBe(times)
})

it('leaves no timer after the stop', () => {
  const clock = machine()
  const stop = watchWake(clock, { hidden: () => false }, () => {})
  clock.fire(1_000, 1_000)
  stop()
  expect(clock.idle()).toBe(true)
})
