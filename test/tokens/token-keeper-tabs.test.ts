import { expect, test } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { keepToken, MINUTE, SECOND, type Answer } from '../kit/kept-token.js'

/** Tabs of one browser; `fetch` is the token service that all of them call. */
function openBrowser(fetch?: Answer, latency?: number) {
  const clock = createSimulatedClock()
  const browser = createSimulatedTabs(clock, { latency })
  const service: { at: number; tab: number }[] = []
  let tabs = 0
  const open = () => {
    const number = ++tabs
    const tab = browser.open()
    const answer: Answer = async (call) => {
      service.push({ at: clock.monotonic(), tab: number })
      const count = service.length
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 40))
      if (fetch instanceof Error) throw fetch
      if (typeof fetch === 'function') return fetch(call)
      return fetch === 'hang' ? new Promise(() => {}) : (fetch ?? `token-${count}`)
    }
    return { ...keepToken([answer], { clock, tabs: tab, key: 'k', seed: number }), tab, number }
  }
  return { clock, browser, service, open }
}

test('ten tabs opened at once make one call, and one for each refresh afterwards', async () => {
  const { clock, service, open } = openBrowser()
  const tabs = Array.from({ length: 10 }, open)
  expect(await Promise.all(tabs.map((tab) => tab.dial(200)))).toEqual(Array(10).fill('token-1'))
  expect(service).toHaveLength(1)
  // All are due in the very same millisecond.
  expect(new Set(tabs.map((tab) => tab.state()!.refreshAt)).size).toBe(1)
  await clock.advance(70 * MINUTE)
  for (let i = 1; i < service.length; i++)
    expect(service[i]!.at - service[i - 1]!.at).toBeGreaterThanOrEqual(5 * MINUTE)
  expect(service.length).toBeGreaterThan(7)
  const tokens = await Promise.all(tabs.map((tab) => tab.dial()))
  expect(new Set(tokens)).toEqual(new Set([`token-${service.length}`]))
})

test('two tabs due in the same millisecond make one call, even if the second gets the lock before the new token', async () => {
  const { clock, service, open } = openBrowser(undefined, 100)
  const tabs = [open(), open()]
  await Promise.all(tabs.map((tab) => tab.dial(300)))
  await clock.advance(60 * MINUTE)
  for (let i = 1; i < service.length; i++)
    expect(service[i]!.at - service[i - 1]!.at).toBeGreaterThanOrEqual(5 * MINUTE)
  for (const tab of tabs) expect(tab.events.filter((event) => event.startsWith('fresh'))).toHaveLength(service.length)
})

test.each([2, 100])(
  'when the login is over, one of the tabs that are due together makes the call, and all of them end (%d ms between tabs)',
  async (latency) => {
    let over = false
    const { clock, service, open } = openBrowser(async () => (over ? { ended: 'login expired' } : 'token'), latency)
    const tabs = [open(), open(), open()]
    await Promise.all(tabs.map((tab) => tab.dial(300)))
    over = true
    await clock.advance(20 * MINUTE)
    expect(service).toHaveLength(2)
    for (const tab of tabs) expect(tab.events.filter((event) => event.startsWith('ended'))).toHaveLength(1)
  },
)

/** Opens three tabs, and returns the one that is refreshing their token. */
async function refreshing({ clock, service, open }: ReturnType<typeof openBrowser>) {
  const tabs = [open(), open(), open()]
  await Promise.all(tabs.map((tab) => tab.dial(200)))
  await clock.advance(tabs[0]!.state()!.refreshAt! + 10 - clock.now())
  return tabs.find(({ number }) => number === service[1]!.tab)!
}

test('tabs that are due together wait for the one that refreshes, even if its new token takes a second to reach them', async () => {
  const world = openBrowser()
  const one = await refreshing(world)
  one.tab.slow(1_000)
  await world.clock.advance(MINUTE)
  expect(world.service).toHaveLength(2)
})

test('a tab that crashes right after its refresh, with the new token still on its way to the others, causes no second call', async () => {
  const world = openBrowser()
  const one = await refreshing(world)
  one.tab.slow(140)
  await world.clock.advance(45)
  one.tab.kill()
  one.keeper.rest()
  await world.clock.advance(MINUTE)
  expect(world.service).toHaveLength(2)
})

test('a tab that opens later gets the token from the others, with its age, and makes no call', async () => {
  const { clock, service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  await clock.advance(4 * MINUTE)
  const late = open()
  expect(await late.dial(149)).toBe('token-1')
  expect(service).toHaveLength(1)
  expect(Math.abs(late.state()!.expiresAt! - first.state()!.expiresAt!)).toBeLessThan(5)
})

test('a tab that opens after the only other one was killed waits 150 ms for an answer, and then makes a call', async () => {
  const { service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  first.tab.kill()
  const late = open()
  expect(await late.dial(150)).toBe('waiting')
  expect(await late.dial(60)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('a tab that opens while the only one with a token is too busy to answer waits for that one’s answer', async () => {
  const { clock, service, open } = openBrowser()
  const busy = open()
  await busy.dial(100)
  busy.tab.freeze()
  await clock.advance(1_000)
  const late = open()
  expect(await late.dial(2_000)).toBe('waiting')
  busy.tab.thaw()
  expect(await late.dial(10)).toBe('token-1')
  expect(service).toHaveLength(1)
})

test('a tab whose token is refused does not wait for a tab that holds the lock and has no newer token', async () => {
  const { service, open } = openBrowser()
  const [holder, refused] = [open(), open()]
  await Promise.all([holder, refused].map((tab) => tab.dial(100)))
  refused.keeper.rejected('token-1')
  expect(await refused.dial(400)).toBe('token-2')
  expect(await holder.dial()).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('a tab that opens just after the tab that fetched was closed is not kept waiting, and makes its own call', async () => {
  const { service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  first.keeper.rest()
  const late = open()
  expect(await late.dial(200)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('the next page is not kept waiting by the page that fetched and went into the back/forward cache', async () => {
  const { service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  first.keeper.suspend()
  first.tab.freeze()
  const next = open()
  expect(await next.dial(400)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('a page that goes into the back/forward cache during its call keeps the lock, and the other tabs use the token that it gets', async () => {
  const { clock, service, open } = openBrowser()
  const [first, next] = [open(), open()]
  void first.dial()
  void next.dial()
  await clock.advance(10)
  expect(service).toMatchObject([{ tab: 1 }])
  first.keeper.suspend()
  expect(await next.dial(400)).toBe('token-1')
  expect(service).toHaveLength(1)
})

test('a page that comes back from the back/forward cache, after another tab was opened, is still signed in', async () => {
  const { clock, open } = openBrowser()
  const first = open()
  const token = await first.dial(200)
  first.keeper.suspend()
  first.tab.freeze()
  await clock.advance(10)
  expect(await open().dial(400)).toBe('token-2')
  expect(await first.dial()).toBe(token)
  first.tab.thaw()
  expect(first.events.filter((event) => event.startsWith('ended'))).toEqual([])
})

test('a page in the back/forward cache listens to no other tab, and when it is back it uses the token that another tab fetched meanwhile', async () => {
  const { clock, service, open } = openBrowser()
  const [stored, other] = [open(), open()]
  await Promise.all([stored, other].map((tab) => tab.dial(200)))
  const before = stored.events.length
  stored.keeper.suspend()
  other.keeper.rejected('token-1')
  await clock.advance(10 * SECOND)
  expect(service).toHaveLength(2)
  expect(stored.events).toHaveLength(before)
  stored.keeper.rejected('token-1')
  expect(await stored.dial(400)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('the tab that fetches is killed: another one takes over at once', async () => {
  const { clock, service, open } = openBrowser()
  const [holder, other] = [open(), open()]
  void holder.dial()
  void other.dial()
  await clock.advance(10)
  expect(service).toMatchObject([{ tab: 1 }])
  holder.tab.kill()
  holder.keeper.rest()
  expect(await other.dial(200)).toBe('token-2')
})

test('a frozen tab that holds the lock delays the others by 8 seconds at most', async () => {
  const { clock, open, browser } = openBrowser()
  const frozen = browser.open()
  const group = frozen.join('livesocket:k')
  void group.exclusively(() => new Promise(() => {}), new AbortController().signal)
  frozen.freeze()
  const other = open()
  expect(await other.dial(7_999)).toBe('waiting')
  expect(await other.dial(100)).toBe('token-1')
  // With a usable token a tab waits for its turn once more before it calls without one.
  await clock.advance(9 * MINUTE + 45 * SECOND)
  expect(other.events.filter((event) => event.startsWith('failed'))).toEqual([])
  expect(other.status()).not.toBe('ended')
})

test('a tab that waits for the lock continues as soon as another tab has a token', async () => {
  const { clock, open, browser } = openBrowser()
  void browser
    .open()
    .join('livesocket:k')
    .exclusively(() => new Promise(() => {}), new AbortController().signal)
  const [waiting, other] = [open(), open()]
  await Promise.all([waiting.dial(), other.dial()])
  other.keeper.push('pushed', 10 * MINUTE)
  await clock.advance(10)
  expect(await waiting.dial()).toBe('pushed')
  expect([waiting.status(), other.status()]).toEqual(['valid', 'valid'])
})

test.each([2, 100])('after one tab’s failed call all ten tabs back off (%d ms between tabs)', async (latency) => {
  const { clock, service, open } = openBrowser(new Error('503'), latency)
  const tabs = Array.from({ length: 10 }, open)
  await Promise.all(tabs.map((tab) => tab.dial()))
  await clock.advance(5 * MINUTE)
  for (let i = 1; i < service.length; i++)
    expect(service[i]!.at - service[i - 1]!.at).toBeGreaterThanOrEqual(5 * SECOND)
  expect(service.length).toBeLessThan(20)
})

test('a sign-out reaches every tab; a frozen one learns of it at its next dial, before any message is delivered', async () => {
  const { clock, open, browser, service } = openBrowser()
  const [here, there, frozen] = [open(), open(), open()]
  await Promise.all([here, there, frozen].map((tab) => tab.dial(200)))
  frozen.tab.freeze()
  here.keeper.signOut()
  await clock.advance(10)
  expect(there.events.at(-1)).toBe('ended signed-out')
  expect(here.events.at(-1)).not.toContain('ended')
  expect(frozen.status()).toBe('valid')
  // The tab learns of it from the number in storage, before any of its messages is delivered.
  expect(await frozen.dial()).toBe('closed')
  expect(frozen.events.at(-1)).toBe('ended signed-out')
  const calls = service.length
  await clock.advance(30 * MINUTE)
  expect(service).toHaveLength(calls)
  expect([...browser.stored.values()].every(Number.isSafeInteger)).toBe(true)
})

test('a frozen tab whose storage was cleared learns of the sign-out from the messages that it gets when it thaws', async () => {
  const { clock, open, browser } = openBrowser()
  const [here, frozen] = [open(), open()]
  await Promise.all([here, frozen].map((tab) => tab.dial(200)))
  frozen.tab.freeze()
  here.keeper.signOut()
  await clock.advance(10)
  browser.clearStorage()
  frozen.tab.thaw()
  expect(frozen.events.at(-1)).toBe('ended signed-out')
})

test.each(['rest', 'suspend'] as const)(
  'a tab that received nothing for a while (%s), and finds the storage cleared and another tab open, is signed out at its next dial',
  async (how) => {
    const { clock, open, browser } = openBrowser()
    const first = open()
    await first.dial(200)
    first.keeper[how]()
    await clock.advance(10)
    browser.clearStorage()
    expect(await open().dial(400)).toBe('token-2')
    expect(await first.dial()).toBe('closed')
    expect(first.events.at(-1)).toBe('ended signed-out')
  },
)

test('a new login gets its own token, and is not ended by the late sign-out of a tab that was frozen during the first one', async () => {
  const { clock, open } = openBrowser()
  const [here, frozen] = [open(), open()]
  await Promise.all([here, frozen].map((tab) => tab.dial(200)))
  frozen.tab.freeze()
  here.keeper.signOut()
  const next = open()
  expect(await next.dial(300)).toBe('token-2')
  // The page's code runs first, and its messages are delivered afterwards.
  frozen.keeper.signOut()
  frozen.tab.thaw()
  await clock.advance(10)
  expect(await next.dial()).toBe('token-2')
})

test('a sign-out during another tab’s call ends that tab too, and the token of that call is ignored', async () => {
  const { clock, open } = openBrowser()
  const [fetching, here] = [open(), open()]
  void fetching.dial()
  await clock.advance(10)
  here.keeper.signOut()
  await clock.advance(MINUTE)
  expect(fetching.events).toEqual(['ended signed-out'])
  expect(here.events).toEqual([])
})

test('when the provider says that the session is over, every tab ends with that reason', async () => {
  let over = false
  const { clock, open } = openBrowser(async () => (over ? { ended: 'login expired' } : 'token-1'))
  const tabs = [open(), open(), open()]
  await Promise.all(tabs.map((tab) => tab.dial(200)))
  over = true
  await clock.advance(9 * MINUTE)
  for (const tab of tabs) expect(tab.events.at(-1)).toBe('ended login expired')
})

test('a session that the server ended ends in every tab, with its reason', async () => {
  const { clock, open } = openBrowser()
  const [here, there] = [open(), open()]
  await Promise.all([here, there].map((tab) => tab.dial(200)))
  here.keeper.signOut('the account was closed')
  await clock.advance(10)
  expect(there.events.at(-1)).toBe('ended the account was closed')
})

test('what other scripts of the origin post changes nothing', async () => {
  const { clock, open, browser } = openBrowser()
  const here = open()
  await here.dial(100)
  const stranger = browser.open().join('livesocket:k')
  const good = {
    kind: 'token',
    session: 0,
    generation: 9,
    token: 't',
    reason: 'first',
    age: 0,
    at: clock.now(),
    schedule: { lifetime: 9e5, due: 5e5, earliest: 4e5, dead: 8e5 },
  }
  const bad = [
    null,
    'x',
    1,
    [],
    {},
    { kind: 'ended' },
    { kind: 'ended', session: 'soon', reason: 'x' },
    { kind: 'wait', session: 0, failures: -1, delay: 5 },
    { kind: 'wait', session: 0, failures: 1, delay: Infinity },
    { ...good, token: '' },
    { ...good, token: 'x\n' },
    { ...good, token: 7 },
    { ...good, age: -1 },
    { ...good, at: NaN },
    { ...good, session: 8 },
    { ...good, schedule: null },
    { ...good, schedule: { lifetime: 1, due: 2, earliest: 3, dead: 4 } },
    { ...good, generation: 1.5 },
    { ...good, reason: 'greed' },
    { ...good, sessionLeft: 'x' },
  ]
  for (const message of bad) stranger.post(message)
  await clock.advance(100)
  expect(await here.dial()).toBe('token-1')
  expect(here.events).toEqual(['fresh token-1', 'refreshed first'])
})

test('workers, which have no storage, share token and sign-out with tabs and with each other, whether a tab or a worker is first', async () => {
  for (const first of ['worker', 'tab']) {
    const clock = createSimulatedClock()
    const browser = createSimulatedTabs(clock)
    const open = (worker: boolean) =>
      keepToken([], { clock, tabs: worker ? browser.openWorker() : browser.open(), key: 'k' })
    const members = [open(first === 'worker'), open(first === 'tab'), open(true), open(true)]
    for (const member of members) {
      expect(await member.dial(SECOND)).toBe('token-1')
      // By then no tab keeps a turn any more.
      await clock.advance(10 * SECOND)
    }
    // A tab whose storage is empty takes itself for the first one, and does not wait for answers.
    expect(members.map(({ calls }) => calls.length)).toEqual(first === 'tab' ? [1, 0, 0, 0] : [1, 1, 0, 0])
    await clock.advance(20 * MINUTE)
    const tokens = await Promise.all(members.map(({ dial }) => dial()))
    expect(new Set(tokens).size).toBe(1)
    members[2]!.keeper.signOut()
    await clock.advance(SECOND)
    expect(members.map(({ status }) => status())).toEqual(['ended', 'ended', 'ended', 'ended'])
  }
})

test('a worker whose socket is closed still receives a sign-out, since it has no storage to find it in later', async () => {
  const clock = createSimulatedClock()
  const browser = createSimulatedTabs(clock)
  const [worker, tab] = [
    keepToken([], { clock, tabs: browser.openWorker(), key: 'k' }),
    keepToken([], { clock, tabs: browser.open(), key: 'k' }),
  ]
  for (const { dial } of [worker, tab]) await dial(SECOND)
  worker.keeper.rest()
  tab.keeper.signOut()
  await clock.advance(SECOND)
  expect(worker.events.at(-1)).toBe('ended signed-out')
})

test('if the browser never grants the lock, a call waits 8 seconds for it, and a valid token is still refreshed in time', async () => {
  const clock = createSimulatedClock()
  const silent = () => new Promise<never>(() => {})
  const tabs = { join: (name: string) => ({ ...createSimulatedTabs(clock).open().join(name), exclusively: silent }) }
  const { dial, calls, keeper } = keepToken([], { clock, tabs, key: 'k' })
  expect(await dial(8 * SECOND - 1)).toBe('waiting')
  await clock.advance(1)
  expect(await dial()).toBe('token-1')
  for (let minute = 0; minute < 60; minute++) {
    await clock.advance(MINUTE)
    expect(await dial()).not.toBe('waiting')
  }
  expect(calls.length).toBeGreaterThanOrEqual(6)
  keeper.rest()
})

test('without a key nothing is shared', async () => {
  const clock = createSimulatedClock()
  const posted: unknown[] = []
  const browser = createSimulatedTabs(clock, { posted: (message) => posted.push(message) })
  const members = [0, 1].map(() => keepToken([], { clock, tabs: browser.open(), key: null }))
  for (const { dial } of members) await dial(SECOND)
  members[0]!.keeper.signOut()
  await clock.advance(SECOND)
  expect(members.map(({ calls, status }) => [calls.length, status()])).toEqual([
    [1, 'ended'],
    [1, 'valid'],
  ])
  expect(posted).toEqual([])
})
