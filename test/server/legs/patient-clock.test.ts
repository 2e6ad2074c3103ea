import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createPatientClock } from '../../../src/server/legs/patient-clock.js'
import { rawClient } from '../../kit/raw-client.js'
import type { Clock } from '../kit.js'

/** A process that can stand still: time passes, and whatever was due meanwhile runs at the end. */
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

describe('a time limit that has passed', () => {
  test('ends at once where the process was awake', () => {
    const { rung, set, pass } = standing()
    set('a', 1_000)
    pass(999)
    expect(rung).toEqual([])
    pass(1)
    expect(rung).toEqual(['a'])
  })

  test('gets two more seconds where the process stood still, as do all limits that pass meanwhile', () => {
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

  test('can still be cancelled in those two seconds', () => {
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

test('a hello that arrived while the process stood still is read: no client is closed as too late', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('impatient-process.ts', import.meta.url))],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  for (let round = 0; round < 2; round++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(String(line).trim())))
    child.kill('SIGSTOP')
    const welcomes = clients.map((client) => client.hello())
    // Longer than that server waits for a hello.
    await new Promise<void>((resolve) => setTimeout(resolve, 1_300))
    child.kill('SIGCONT')
    await Promise.all(welcomes)
    for (const { ws } of clients) ws.terminate()
  }
}, 20_000)
