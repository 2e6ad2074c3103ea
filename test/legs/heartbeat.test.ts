import { describe, expect, it } from 'vitest'
import { createHeartbeat, type Heartbeat, type HeartbeatDeps } from '../../src/legs/heartbeat.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { instant, type Clock } from '../../src/base/clock.js'

/** A clock whose timers can be made to run late, as in a hidden tab. */
function hiddenTabClock() {
  const clock = createSimulatedClock()
  let lateness = 0
  const throttled: Clock = { ...clock, setTimeout: (task, delay) => clock.setTimeout(task, delay + lateness) }
  return { clock, throttled, throttle: (ms: number) => (lateness = ms) }
}

function startHeartbeat(deps: Partial<HeartbeatDeps> = {}) {
  const { clock, throttled, throttle } = hiddenTabClock()
  const told: string[] = []
  const start = clock.monotonic()
  const note = (what: string) => void told.push(`${what} ${clock.monotonic() - start}`)
  const heartbeat = createHeartbeat(
    { clock: throttled, interval: 10_000, timeout: 5_000, keepalive: Infinity, ...deps },
    { ping: () => note('ping'), fellSilent: () => note('silent') },
  )
  return { clock, throttle, heartbeat, told, note }
}

async function talk(
  clock: Clock & { advance(ms: number): Promise<void> },
  heartbeat: Heartbeat,
  times: number,
  every: number,
) {
  for (let i = 0; i < times; i++) {
    await clock.advance(every)
    heartbeat.heard(instant(clock))
  }
}

describe('a heartbeat', () => {
  it('sends a ping after an interval without a frame, and reports silence if no answer comes in time', async () => {
    const { clock, told } = startHeartbeat()
    await clock.advance(14_999)
    expect(told).toEqual(['ping 10000'])
    await clock.advance(1)
    expect(told).toEqual(['ping 10000', 'silent 15000'])
  })

  it('sends no ping while frames arrive, and sets one timer for all of them', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await talk(clock, heartbeat, 100, 9_000)
    expect(told).toEqual([])
    expect(clock.pending).toBe(1)
  })

  it('counts the interval from the last frame', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await talk(clock, heartbeat, 1, 7_000)
    await clock.advance(9_999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual(['ping 17000'])
  })

  it('counts any frame as the answer', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await talk(clock, heartbeat, 1, 14_999)
    await clock.advance(9_999)
    expect(told).toEqual(['ping 10000'])
  })

  it('reports silence once, and again only after a frame has arrived', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await clock.advance(100_000)
    expect(told).toEqual(['ping 10000', 'silent 15000'])
    heartbeat.heard(instant(clock))
    await clock.advance(100_000)
    expect(told).toEqual(['ping 10000', 'silent 15000', 'ping 110000', 'silent 115000'])
  })

  it('watches a recovered leg again from its first frame on, even if a later timer is set for the keepalive', async () => {
    const { clock, heartbeat, told } = startHeartbeat({ keepalive: 100_000 })
    await clock.advance(20_000)
    heartbeat.heard(instant(clock))
    await clock.advance(10_000)
    expect(told).toEqual(['ping 10000', 'silent 15000', 'ping 30000'])
  })

  it('does nothing after stop(), whatever is called, and leaves no timer', async () => {
    const { clock, heartbeat, told } = startHeartbeat({ keepalive: 1_000 })
    heartbeat.stop()
    heartbeat.heard(instant(clock))
    heartbeat.sent(instant(clock))
    heartbeat.probe(1_000)
    heartbeat.stop()
    await clock.advance(100_000)
    expect(told).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it.each(['ping', 'silent'] as const)('may be stopped from within its own %s', async (when) => {
    const clock = createSimulatedClock()
    let calls = 0
    const heartbeat: Heartbeat = createHeartbeat(
      { clock, interval: 10, timeout: 5, keepalive: 15 },
      {
        ping: () => void (when === 'ping' && (calls++, heartbeat.stop())),
        fellSilent: () => void (when === 'silent' && (calls++, heartbeat.stop())),
      },
    )
    await clock.advance(1_000)
    expect(calls).toBe(1)
    expect(clock.pending).toBe(0)
  })
})

describe('late timers cause no false silence: the heartbeat', () => {
  it('sends another ping if the machine slept while an answer was due, and waits the full timeout', async () => {
    const { clock, told } = startHeartbeat()
    await clock.advance(12_000)
    clock.sleep(3600_000)
    await clock.advance(3_000)
    expect(told).toEqual(['ping 10000', 'ping 15000'])
    await clock.advance(5_000)
    expect(told).toEqual(['ping 10000', 'ping 15000', 'silent 20000'])
  })

  it('reports nothing if the answer arrived during the sleep and is read after it', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await clock.advance(12_000)
    clock.sleep(3600_000)
    await clock.advance(3_000)
    heartbeat.heard(instant(clock))
    // An answer that lay unread says nothing about the time since, so another ping follows it.
    expect(told.splice(0)).toEqual(['ping 10000', 'ping 15000', 'ping 15000'])
    await clock.advance(1_000)
    heartbeat.heard(instant(clock))
    await clock.advance(9_000)
    expect(told).toEqual([])
  })

  it('sends a ping first if the machine slept before one was due', async () => {
    const { clock, told } = startHeartbeat()
    clock.sleep(3600_000)
    await clock.advance(10_000)
    expect(told).toEqual(['ping 10000'])
  })

  it('still finds the silence of a leg in a tab whose timers are a minute late', async () => {
    const { clock, throttle, told } = startHeartbeat()
    throttle(60_000)
    await clock.advance(300_000)
    expect(told).toEqual(['ping 10000', 'ping 75000', 'silent 140000'])
  })

  it('keeps a connection that proxies cut after a minute of silence, even if timers run once a minute', async () => {
    const MINUTE = 60_000
    const clock = createSimulatedClock()
    const start = clock.monotonic()
    // A browser fires all timers of a tab long in the background on a common grid of one minute.
    const onTheMinute: Clock = {
      ...clock,
      setTimeout: (task, delay) => {
        const due = clock.monotonic() - start + delay
        return clock.setTimeout(task, Math.ceil(due / MINUTE) * MINUTE - (clock.monotonic() - start))
      },
    }
    const words: number[] = []
    const ROUND_TRIP = 20
    const heartbeat = createHeartbeat(
      { clock: onTheMinute, interval: 10_000, timeout: 5_000, keepalive: Infinity },
      {
        ping: () => {
          words.push(clock.monotonic() - start)
          clock.setTimeout(() => heartbeat.heard(instant(clock)), ROUND_TRIP)
        },
        fellSilent: () => expect.unreachable('answered at once'),
      },
    )
    await clock.advance(10 * MINUTE)
    const silences = words.slice(1).map((at, index) => at - words[index]!)
    expect(Math.max(...silences)).toBeLessThanOrEqual(MINUTE - 5 * ROUND_TRIP)
    expect(words.length / 10).toBeLessThanOrEqual(15)
  })

  it('tolerates a timer that is a second late, as in any hidden tab', async () => {
    const { clock, throttle, told } = startHeartbeat()
    throttle(1_000)
    await clock.advance(300_000)
    expect(told).toEqual(['ping 10000', 'silent 16000'])
  })

  it('reports no silence when the clock is set forward', async () => {
    const { clock, told } = startHeartbeat()
    await clock.advance(12_000)
    clock.setWall(clock.now() + 86_400_000)
    await clock.advance(3_000)
    expect(told).toEqual(['ping 10000', 'ping 15000'])
  })

  it('finds silence in time when the clock is set back', async () => {
    const { clock, told } = startHeartbeat()
    await clock.advance(5_000)
    clock.setWall(0)
    await clock.advance(10_000)
    expect(told).toEqual(['ping 10000', 'silent 15000'])
  })
})

describe('a probe', () => {
  it('sends a ping at once, and reports silence after its own timeout', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await clock.advance(1_000)
    heartbeat.probe(3_000)
    await clock.advance(3_000)
    expect(told).toEqual(['ping 1000', 'silent 4000'])
  })

  it('is settled by any frame', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    heartbeat.probe(3_000)
    await talk(clock, heartbeat, 1, 2_999)
    await clock.advance(9_000)
    expect(told).toEqual(['ping 0'])
  })

  it('shortens the wait for an answer that is due, and never lengthens it', async () => {
    const shortened = startHeartbeat()
    await shortened.clock.advance(10_500)
    shortened.heartbeat.probe(1_000)
    await shortened.clock.advance(1_000)
    expect(shortened.told).toEqual(['ping 10000', 'ping 10500', 'silent 11500'])

    const repeated = startHeartbeat()
    for (let i = 0; i < 4; i++) {
      repeated.heartbeat.probe(3_000)
      await repeated.clock.advance(1_000)
    }
    expect(repeated.told.at(-1)).toBe('ping 3000')
    expect(repeated.told).toContain('silent 3000')
  })

  it('begins again after a sleep during which an answer was due', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await clock.advance(10_000)
    clock.sleep(60_000)
    heartbeat.probe(3_000)
    await clock.advance(2_999)
    expect(told).toEqual(['ping 10000', 'ping 10000'])
    await clock.advance(1)
    expect(told.at(-1)).toBe('silent 13000')
  })

  it('sends a ping on a silent leg again, without reporting it twice', async () => {
    const { clock, heartbeat, told } = startHeartbeat()
    await clock.advance(15_000)
    heartbeat.probe(1_000)
    await clock.advance(5_000)
    expect(told).toEqual(['ping 10000', 'silent 15000', 'ping 15000'])
  })

  it('works without a heartbeat interval', async () => {
    const { clock, heartbeat, told } = startHeartbeat({ interval: Infinity })
    await clock.advance(100_000)
    heartbeat.probe(3_000)
    await clock.advance(100_000)
    expect(told).toEqual(['ping 100000', 'silent 103000'])
  })
})

describe('keepalive', () => {
  it('sends a ping each time when nothing was sent for that long', async () => {
    const { clock, told } = startHeartbeat({ interval: Infinity, keepalive: 20_000 })
    await clock.advance(60_000)
    expect(told).toEqual(['ping 20000', 'ping 40000', 'ping 60000'])
  })

  it('counts from the last frame that was sent', async () => {
    const { clock, heartbeat, told } = startHeartbeat({ interval: Infinity, keepalive: 20_000 })
    await clock.advance(15_000)
    heartbeat.sent(instant(clock))
    await clock.advance(20_000)
    expect(told).toEqual(['ping 35000'])
  })

  it('sends nothing more if the heartbeat sends pings more often', async () => {
    const { clock, heartbeat, told, note } = startHeartbeat({ keepalive: 20_000 })
    for (let i = 0; i < 3; i++) {
      await clock.advance(10_000)
      note('pong')
      heartbeat.heard(instant(clock))
    }
    expect(told).toEqual(['ping 10000', 'pong 10000', 'ping 20000', 'pong 20000', 'ping 30000', 'pong 30000'])
  })

  it('is sent when a frame arrives, if the timers of a hidden tab are late', async () => {
    const { clock, throttle, heartbeat, told } = startHeartbeat({ interval: Infinity, keepalive: 20_000 })
    await clock.advance(20_000)
    throttle(60_000)
    await clock.advance(20_000)
    told.length = 0
    await talk(clock, heartbeat, 3, 10_000)
    expect(told).toEqual(['ping 60000'])
  })

  it('goes on for a silent leg', async () => {
    const { clock, told } = startHeartbeat({ keepalive: 20_000 })
    await clock.advance(50_000)
    expect(told).toEqual(['ping 10000', 'silent 15000', 'ping 30000', 'ping 50000'])
  })
})
