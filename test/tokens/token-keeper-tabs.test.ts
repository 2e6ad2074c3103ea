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

test('two tabs due in the same millisecond make one call even where the news is slower than the turn', async () => {
  const { clock, service, open } = openBrowser(undefined, 100)
  const tabs = [open(), open()]
  await Promise.all(tabs.map((tab) => tab.dial(300)))
  await clock.advance(60 * MINUTE)
  for (let i = 1; i < service.length; i++)
    expect(service[i]!.at - service[i - 1]!.at).toBeGreaterThanOrEqual(5 * MINUTE)
  for (const tab of tabs) expect(tab.events.filter((event) => event.startsWith('fresh'))).toHaveLength(service.length)
})

test.each([2, 100])(
  'the login is over: of the tabs that are due together one asks and hears so, its news %d ms on the way',
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

test('tabs that are due together wait for the one that refreshes, also where its news takes a second to reach them', async () => {
  const world = openBrowser()
  const one = await refreshing(world)
  one.tab.slow(1_000)
  await world.clock.advance(MINUTE)
  expect(world.service).toHaveLength(2)
})

test('the tab that refreshed crashes, its news still on the way: those that have not heard it do not send each other to the token service', async () => {
  const world = openBrowser()
  const one = await refreshing(world)
  one.tab.slow(140)
  await world.clock.advance(45)
  one.tab.kill()
  one.keeper.rest()
  await world.clock.advance(MINUTE)
  expect(world.service).toHaveLength(2)
})

test('a tab that opens later asks the others first, and knows how old the token is', async () => {
  const { clock, service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  await clock.advance(4 * MINUTE)
  const late = open()
  expect(await late.dial(149)).toBe('token-1')
  expect(service).toHaveLength(1)
  expect(Math.abs(late.state()!.expiresAt! - first.state()!.expiresAt!)).toBeLessThan(5)
})

test('a tab whose predecessors are all closed waits 150 ms and fetches', async () => {
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

test('a tab whose token is refused does not wait for one that keeps its turn and has nothing newer', async () => {
  const { service, open } = openBrowser()
  const [holder, refused] = [open(), open()]
  await Promise.all([holder, refused].map((tab) => tab.dial(100)))
  refused.keeper.rejected('token-1')
  expect(await refused.dial(400)).toBe('token-2')
  expect(await holder.dial()).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('the tab that fetched is closed: one that opens a moment later waits for nobody', async () => {
  const { service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  first.keeper.rest()
  const late = open()
  expect(await late.dial(200)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('the page that fetched goes into the back/forward cache: the one that its user goes to waits for nobody', async () => {
  const { service, open } = openBrowser()
  const first = open()
  await first.dial(100)
  first.keeper.suspend()
  first.tab.freeze()
  const next = open()
  expect(await next.dial(400)).toBe('token-2')
  expect(service).toHaveLength(2)
})

test('a page that is stored while it fetches a token keeps its turn, and the others live on what it gets', async () => {
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

test('the tab that fetches is frozen and keeps its turn: the others are delayed by 8 seconds at most', async () => {
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

test('a tab that waits for its turn goes on as soon as it hears of a token', async () => {
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

test.each([2, 100])('one tab’s failure holds all of them back, its news %d ms on the way', async (latency) => {
  const { clock, service, open } = openBrowser(new Error('503'), latency)
  const tabs = Array.from({ length: 10 }, open)
  await Promise.all(tabs.map((tab) => tab.dial()))
  await clock.advance(5 * MINUTE)
  for (let i = 1; i < service.length; i++)
    expect(service[i]!.at - service[i - 1]!.at).toBeGreaterThanOrEqual(5 * SECOND)
  expect(service.length).toBeLessThan(20)
})

test('sign-out reaches every tab; one that is frozen learns of it at its first look after the thaw', async () => {
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

test('without storage a frozen tab learns of the sign-out by its mail', async () => {
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
  'a tab that heard nothing for a while (%s), and finds the storage cleared and somebody else at home, is signed out at its next dial',
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

test('a new login after the sign-out is not ended by a tab that slept through it, and shares nothing with the old one', async () => {
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

test('a sign-out in the middle of another tab’s fetch resurrects nothing', async () => {
  const { clock, open } = openBrowser()
  const [fetching, here] = [open(), open()]
  void fetching.dial()
  await clock.advance(10)
  here.keeper.signOut()
  await clock.advance(MINUTE)
  expect(fetching.events).toEqual(['ended signed-out'])
  expect(here.events).toEqual([])
})

test('the end of the session by the provider’s word reaches every tab, with its reason', async () => {
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

test('workers, which have no storage, share token and sign-out with tabs and with each other, whoever comes first', async () => {
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

test('a worker that rests hears of a sign-out all the same: it could not read up on it', async () => {
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

test('a turn that the browser never answers for is waited for 8 seconds, and a live token is refreshed in time all the same', async () => {
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
