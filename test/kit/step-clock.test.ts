import { expect, it } from 'vitest'
import { createStepClock } from './step-clock.js'

it('runs due timers in order, including those that timers set, and no cancelled ones', () => {
  const clock = createStepClock()
  const ran: string[] = []
  const tell = (name: string) => () => void ran.push(`${name} at ${clock.monotonic()}`)
  clock.setTimeout(tell('late'), 30)
  clock.setTimeout(() => clock.setTimeout(tell('set by the first'), 10), 10)
  clock.setTimeout(tell('cancelled'), 15)()
  clock.setTimeout(tell('second of two'), 20)
  clock.frame(tell('frame'))
  expect([clock.next(), clock.pending]).toEqual([10, 4])
  clock.advance(25)
  expect(ran).toEqual(['frame at 16', 'second of two at 20', 'set by the first at 20'])
  expect([clock.next(), clock.pending, clock.monotonic()]).toEqual([5, 1, 25])
  clock.runNext()
  expect(ran.at(-1)).toBe('late at 30')
  expect([clock.next(), clock.pending]).toEqual([null, 0])
})

it('runs no animation frames with frames: false', () => {
  const clock = createStepClock({ frames: false })
  clock.frame(() => {
    throw new Error('a frame')
  })
  expect([clock.next(), clock.pending]).toEqual([null, 0])
})
