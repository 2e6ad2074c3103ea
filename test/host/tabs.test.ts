import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { browserTabs } from '../../src/host/tabs.js'

/** The least that a page has: channels of one origin, and locks as the standard defines them. */
function stubPage() {
  const channels = new Set<{ name: string; onmessage: ((event: { data: unknown }) => void) | null }>()
  const held = new Map<string, Promise<unknown>>()
  const stored = new Map<string, string>()
  vi.stubGlobal('document', {})
  vi.stubGlobal(
    'BroadcastChannel',
    class {
      onmessage: ((event: { data: unknown }) => void) | null = null
      constructor(readonly name: string) {
        channels.add(this)
      }
      postMessage(data: unknown) {
        for (const other of channels)
          if (other !== this && other.name === this.name) other.onmessage?.({ data: structuredClone(data) })
      }
      close() {
        channels.delete(this)
      }
    },
  )
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  })
  vi.stubGlobal('navigator', {
    locks: {
      async request(
        name: string,
        options: { ifAvailable?: boolean; signal?: AbortSignal },
        work: (lock: object | null) => unknown,
      ) {
        if (options.ifAvailable && held.has(name)) return work(null)
        const aborted = new Promise<never>((_, reject) =>
          options.signal?.addEventListener('abort', () => reject(options.signal!.reason)),
        )
        while (held.has(name)) await Promise.race([held.get(name)!.catch(() => {}), aborted])
        const turn = Promise.resolve(work({}))
        held.set(name, turn)
        const done = () => held.delete(name)
        turn.then(done, done)
        return turn
      },
    },
  })
  return { channels, stored }
}

let page: ReturnType<typeof stubPage>
beforeEach(() => void (page = stubPage()))
afterEach(() => void vi.unstubAllGlobals())

const join = (name: string) => browserTabs.join(name)!
const never = () => new AbortController().signal

test('a message reaches every other tab of the group, but neither its sender nor a tab that left', () => {
  const [a, b, c] = [0, 1, 2].map(() => join('x'))
  const heard: string[] = []
  for (const [name, tab] of Object.entries({ a, b, c }))
    tab!.listen((message) => heard.push(`${name} ${JSON.stringify(message)}`))
  join('y').listen(() => heard.push('y'))
  a!.post({ n: 1 })
  b!.leave()
  b!.post({ n: 2 })
  a!.post({ n: 3 })
  expect(heard).toEqual(['b {"n":1}', 'c {"n":1}', 'c {"n":3}'])
})

test('tabs hold the lock one after the other', async () => {
  const [a, b] = [join('x'), join('x')]
  const order: string[] = []
  let finish = () => {}
  const first = a.exclusively(async () => {
    order.push('a')
    await new Promise<void>((resolve) => (finish = resolve))
    order.push('a done')
    return 'A'
  }, never())
  await Promise.resolve()
  const second = b.exclusively(async () => (order.push('b'), 'B'), never())
  await new Promise((resolve) => setImmediate(resolve))
  expect(order).toEqual(['a'])
  finish()
  expect(await Promise.all([first, second])).toEqual(['A', 'B'])
  expect(order).toEqual(['a', 'a done', 'b'])
})

test('waiting for the lock ends with the signal, and a task that fails releases it', async () => {
  const [a, b] = [join('x'), join('x')]
  let fail = (_: Error) => {}
  const holder = a.exclusively(() => new Promise<void>((_, reject) => (fail = reject)), never())
  await Promise.resolve()
  const waiting = new AbortController()
  const turn = b.exclusively(async () => 'B', waiting.signal)
  await new Promise((resolve) => setImmediate(resolve))
  waiting.abort(new Error('waited long enough'))
  await expect(turn).rejects.toThrow('waited long enough')
  fail(new Error('broken'))
  await expect(holder).rejects.toThrow('broken')
  expect(await b.exclusively(async () => 'B', never())).toBe('B')
})

test('only numbers are stored, for all tabs, and clearing the storage removes them for all', () => {
  const [a, b] = [join('x'), join('x')]
  a.write('session', 5)
  expect(b.read('session')).toBe(5)
  expect([...page.stored]).toEqual([['x:session', '5']])
  page.stored.clear()
  expect([a.read('session'), b.read('session')]).toEqual([0, 0])
  for (const odd of ['soon', '-3', '1.5', '9e99', '']) {
    page.stored.set('x:session', odd)
    expect(b.read('session')).toBe(0)
  }
})

test('a tab in a group does not keep a Node process alive, as in tests with a document', () => {
  vi.unstubAllGlobals()
  vi.stubGlobal('document', {})
  const kept = process.getActiveResourcesInfo().length
  const tab = join('x')
  tab.listen(() => {})
  expect(process.getActiveResourcesInfo()).toHaveLength(kept)
  tab.leave()
})

test('on a server there are no tabs', () => {
  vi.stubGlobal('document', undefined)
  expect(browserTabs.join('x')).toBeNull()
  expect(page.channels.size).toBe(0)
})

const BROKEN: Record<string, () => void> = {
  'no BroadcastChannel': () => vi.stubGlobal('BroadcastChannel', undefined),
  'no Web Locks, as without a secure context': () => vi.stubGlobal('navigator', {}),
  'Web Locks that refuse, as in a sandboxed frame': () =>
    vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new Error('SecurityError')) } }),
  'blocked storage': () =>
    Object.defineProperty(globalThis, 'localStorage', {
      configurable: true,
      get: () => {
        throw new Error('SecurityError')
      },
    }),
}

test.each(Object.keys(BROKEN))('with %s a tab works on its own', async (what) => {
  BROKEN[what]!()
  const tab = join('x')
  tab.listen(() => expect.unreachable())
  tab.post('hello')
  tab.write('session', 7)
  expect(tab.read('session')).toBe(/storage/.test(what) ? 0 : 7)
  expect(await tab.exclusively(async () => 'done', never())).toBe('done')
  await expect(tab.exclusively(() => Promise.reject(new Error('mine')), never())).rejects.toThrow('mine')
  tab.leave()
})

test('no channel is opened before a tab joins', () => {
  browserTabs
  expect(page.channels.size).toBe(0)
})
