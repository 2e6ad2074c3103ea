import { describe, expect, it } from 'vitest'
import { createAlarm } from '../../src/base/alarm.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

function startAlarm() {
  const clock = createSimulatedClock()
  const rings: number[] = []
  const alarm = createAlarm(clock, () => rings.push(clock.monotonic()))
  return { clock, alarm, rings }
}

describe('an alarm', () => {
  it('rings once, when its time has come', async () => {
    const { clock, alarm, rings } = startAlarm()
    alarm.set(100)
    await clock.advance(1_000)
    expect(rings).toEqual([100])
    expect(alarm.left).toBeNull()
  })

  it('says how long it has to go', async () => {
    const { clock, alarm } = startAlarm()
    expect(alarm.left).toBeNull()
    alarm.set(100)
    await clock.advance(30)
    expect(alarm.left).toBe(70)
    clock.sleep(1_000)
    expect(alarm.left).toBe(0)
  })

  it('is put off or brought forward by the next set, and does not ring once cleared', async () => {
    const { clock, alarm, rings } = startAlarm()
    alarm.set(100)
    alarm.set(200)
    await clock.advance(150)
    expect(rings).toEqual([])
    alarm.clear()
    await clock.advance(1_000)
    expect(rings).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('may be set again from within its own ring', async () => {
    const clock = createSimulatedClock()
    const rings: number[] = []
    const alarm = createAlarm(clock, () => {
      rings.push(clock.monotonic())
      if (rings.length < 3) alarm.set(10)
    })
    alarm.set(10)
    await clock.advance(1_000)
    expect(rings).toEqual([10, 20, 30])
  })
})
