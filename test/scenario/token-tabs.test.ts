import { expect, it } from 'vitest'
import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { HOUR, MINUTE, SECOND, signedInWorld, type Provide } from './signed-in.js'

/** Tabs of one browser, each with a live socket of its own; any of them may be frozen or killed. */
function browser(latency?: number) {
  const world = signedInWorld()
  const { sim, issue } = world
  const tabs = createSimulatedTabs(sim.clock, { latency })
  const service: { at: number; tab: number }[] = []
  let count = 0
  const open = (
    provide: Provide = () =>
      new Promise((resolve) => sim.clock.setTimeout(() => resolve({ token: issue(), ttl: 10 * MINUTE }), 40)),
  ) => {
    const number = ++count
    const tab = tabs.open()
    const page = world.page(
      (ask, calls) => (service.push({ at: sim.clock.monotonic(), tab: number }), provide(ask, calls)),
      { environment: { ...sim.tab(), tabs: tab } },
    )
    return { ...page, tab }
  }
  return { ...world, service, open }
}

const serviceGaps = (service: { at: number }[]) => service.slice(1).map(({ at }, place) => at - service[place]!.at)

it('ten tabs opened at once make one call, and one at each refresh, even if a new token reaches the others later than the lock', async () => {
  for (const latency of [2, 100]) {
    const { sim, service, open } = browser(latency)
    const pages = Array.from({ length: 10 }, () => open())
    for (const page of pages) page.socket.connect()
    await sim.advance(SECOND)
    expect(pages.map((page) => page.state().status)).toEqual(Array(10).fill('live'))
    expect(service).toHaveLength(1)
    // All are due in the very same millisecond.
    expect(new Set(pages.map((page) => Math.round(page.state().token.refreshAt!))).size).toBe(1)
    await sim.advance(20 * MINUTE)
    expect(service.length).toBeGreaterThanOrEqual(3)
    for (const gap of serviceGaps(service)) expect(gap).toBeGreaterThanOrEqual(5 * MINUTE)
    for (const page of pages) page.socket.close()
  }
})

it('the tab that holds the lock is killed in the middle of its call: another one takes over at once', async () => {
  const { sim, service, open } = browser()
  const [holder, other] = [open(() => new Promise(() => {})), open()]
  holder.socket.connect()
  other.socket.connect()
  await sim.advance(SECOND)
  expect(service.map(({ tab }) => tab)).toEqual([1])
  holder.tab.kill()
  await sim.advance(500)
  expect(service.map(({ tab }) => tab)).toEqual([1, 2])
  expect(other.state().status).toBe('live')
  holder.socket.close()
  other.socket.close()
})

it('the tab that holds the lock is frozen: the others wait for 8 seconds and no longer', async () => {
  const { sim, service, open } = browser()
  const [holder, other] = [open(() => new Promise(() => {})), open()]
  holder.socket.connect()
  await sim.advance(200)
  holder.tab.freeze()
  void other.socket.connect()
  await sim.advance(7 * SECOND)
  expect(service).toHaveLength(1)
  await sim.advance(2 * SECOND)
  expect(other.state().status).toBe('live')
  holder.socket.close()
  other.socket.close()
})

it('a tab that opens later takes the token of the others, with its age, and makes no call', async () => {
  const { sim, service, open } = browser()
  const first = open()
  await first.live()
  await sim.advance(4 * MINUTE)
  const late = open()
  await late.live(500)
  expect(service).toHaveLength(1)
  expect(Math.abs(late.state().token.expiresAt! - first.state().token.expiresAt!)).toBeLessThan(5)
  first.socket.close()
  late.socket.close()
})

it('sign-out reaches every tab; one that is frozen sends nothing after its thaw', async () => {
  const { sim, open, spoken } = browser()
  const pages = [open(), open(), open()]
  for (const page of pages) await page.live(500)
  const [here, there, frozen] = pages
  frozen!.tab.freeze()
  here!.socket.signOut()
  await sim.advance(100)
  expect(there!.state()).toMatchObject({ status: 'closed', closed: { by: 'signed-out' } })
  const said = sim.wire.length
  // Its page runs before its mail is delivered: what it does first is what it was about to do.
  await frozen!.socket.publish('room', 'too late').catch(() => {})
  frozen!.tab.thaw()
  await sim.advance(HOUR)
  expect(frozen!.state()).toMatchObject({ status: 'closed', closed: { by: 'signed-out' } })
  expect(spoken(said)).toEqual([])
  expect(sim.wire.slice(said).filter(({ by, text }) => by === 'client' && text.includes('too late'))).toEqual([])
})

it('the end of the login closes every tab as `session-ended`, whichever learns of it first, even if all are due at the same moment', async () => {
  const { sim, open } = browser()
  const pages = [0, 1, 2].map(() =>
    open(async (_, calls) =>
      calls === 1 && sim.clock.monotonic() < MINUTE ? { token: 'x' } : { ended: 'the login is over' },
    ),
  )
  sim.tokens.left = () => 10 * MINUTE
  for (const page of pages) await page.live(500)
  await sim.advance(9 * MINUTE)
  for (const page of pages) {
    expect(page.ended).toHaveLength(1)
    expect(['the login is over', 'ended in another tab']).toContain(page.ended[0]!.reason)
    expect(page.state()).toMatchObject({ status: 'closed', closed: { by: 'session-ended' } })
  }
})
