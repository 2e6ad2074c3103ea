import { describe, expect, test } from 'vitest'
import { createPatientClock } from '../../src/server/patient-clock.js'
import { liveServer, type Clock } from './kit.js'

/** A process that can stand still: the time passes, and what was due meanwhile runs at the end of it. */
function standing() {
  let now = 0
  let timers: { at: number; task: () => void }[] = []
  const run = () => {
    for (let due = first(); due; due = first()) {
      timers = timers.filter((timer) => timer !== due)
      due.task()
    }
  }
  const first = () => timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)[0]
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout(task, delay) {
      const timer = { at: now + delay, task }
      timers.push(timer)
      return () => void (timers = timers.filter((other) => other !== timer))
    },
    frame: () => () => undefined,
  }
  const patient = createPatientClock(clock)
  const rung: string[] = []
  return {
    rung,
    pending: () => timers.length,
    set: (name: string, delay: number) => patient.setTimeout(() => void rung.push(name), delay),
    standStill(ms: number) {
      now += ms
      run()
    },
    pass(ms: number) {
      for (const end = now + ms; now < end; now++) run()
      run()
    },
  }
}

describe('who is found to be late', () => {
  test('is so at once where the process was awake', () => {
    const { rung, set, pass } = standing()
    set('a', 1_000)
    pass(999)
    expect(rung).toEqual([])
    pass(1)
    expect(rung).toEqual(['a'])
  })

  test('has two more seconds where the process stood still, and so have all whose time ends meanwhile', () => {
    const { rung, set, pass, standStill } = standing()
    set('a', 1_000)
    set('b', 7_000)
    set('c', 9_000)
    standStill(6_000)
    pass(1_999)
    expect(rung).toEqual([])
    pass(1)
    expect(rung.sort()).toEqual(['a', 'b'])
    pass(1_000)
    expect(rung).toEqual(['a', 'b', 'c'])
  })

  test('is not, where it is heard in that time', () => {
    const { rung, set, pass, standStill, pending } = standing()
    const heard = set('a', 1_000)
    standStill(6_000)
    pass(500)
    heard()
    pass(10_000)
    expect(rung).toEqual([])
    expect(pending()).toBe(0)
  })
})

test('a hello that waited while the process stood still is heard: nobody is closed as too late', async () => {
  const server = await liveServer({ limits: { helloTimeout: 200 } })
  const clients = await Promise.all(Array.from({ length: 5 }, () => server.client()))
  const greet = () => clients.map((client) => client.hello())
  let welcomes: Promise<unknown>[] = []
  // After the sockets were looked at: whatever is due runs before they are looked at again, as it does after many a real pause.
  await new Promise<void>((resolve) =>
    setImmediate(() => {
      welcomes = greet()
      const until = performance.now() + 400
      while (performance.now() < until);
      resolve()
    }),
  )
  await Promise.all(welcomes)
  expect(server.stats()).toMatchObject({ welcomed: 5, failed: {} })
})
