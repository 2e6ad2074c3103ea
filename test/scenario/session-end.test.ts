import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it } from 'vitest'
import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { MINUTE, SECOND } from './signed-in.js'

function world(options: Partial<LiveSocketOptions> = {}) {
  const sim = createSimulation({ seed: 1 })
  const socket = createLiveSocket({ url: sim.url, getToken: sim.getToken, environment: sim.environment, ...options })
  return { sim, socket }
}

const append = (all: readonly unknown[], data: unknown) => [...all, data]
const none: readonly unknown[] = []

describe('the end of a session', () => {
  it.each(['before', 'after'] as const)(
    'empties a fold that was subscribed %s the first connect(), at once, and the next session starts from `initial`',
    async (order) => {
      const { sim, socket } = world()
      const fold = socket.fold('orders', append, none)
      const told: unknown[] = []
      if (order === 'after') socket.connect()
      fold.subscribe((state) => told.push(state))
      socket.connect()
      await sim.advance(SECOND)
      sim.publish('orders', 'of ann')
      await sim.advance(SECOND)
      expect(fold.getState()).toEqual(['of ann'])
      socket.signOut()
      expect(fold.getState()).toBe(none)
      await sim.advance(SECOND)
      expect(told.at(-1)).toBe(none)
      sim.publish('orders', 'meanwhile')
      socket.connect()
      await sim.advance(SECOND)
      sim.publish('orders', 'of bea')
      await sim.advance(SECOND)
      expect(fold.getState()).toEqual(['of bea'])
      socket.close()
    },
  )

  it('is the end of a `since` position, which counts only in its own session; a `from` position counts in each', async () => {
    const { sim, socket } = world()
    socket.subscribe('orders', () => undefined)
    socket.connect()
    await sim.advance(SECOND)
    const since = socket.position('orders')!
    sim.publish('orders', 'of ann')
    await sim.advance(SECOND)
    const had: Record<string, unknown[]> = { since: [], from: [] }
    socket.subscribe('orders', (data) => had['since']!.push(data), { since })
    socket.subscribe('orders', (data) => had['from']!.push(data), { from: since })
    const fold = socket.fold('orders', append, none, { since })
    fold.subscribe(() => undefined)
    await sim.advance(SECOND)
    expect([had['since'], had['from'], fold.getState()]).toEqual([['of ann'], ['of ann'], ['of ann']])
    socket.signOut()
    socket.connect()
    await sim.advance(SECOND)
    sim.publish('orders', 'of bea')
    await sim.advance(SECOND)
    expect([had['since'], had['from'], fold.getState()]).toEqual([
      ['of ann', 'of bea'],
      ['of ann', 'of ann', 'of bea'],
      ['of bea'],
    ])
    socket.close()
  })

  it('is the end of a loaded snapshot: the next session loads its own, even if `session-ended` itself opens it', async () => {
    const sim = createSimulation({ seed: 1 })
    let user = 'ann'
    const socket = createLiveSocket({
      url: sim.url,
      getToken: async (ask) => (user === 'nobody' ? { ended: 'locked' } : sim.getToken(ask)),
      environment: sim.environment,
    })
    const loads: string[] = []
    sim.publish('orders', 'old')
    const fold = socket.fold('orders', append, none, {
      load: async () => (
        loads.push(user), { state: [`snapshot of ${user}`], position: { epoch: 'epoch-1', offset: 1 } }
      ),
    })
    fold.subscribe(() => undefined)
    socket.on('session-ended', () => {
      user = 'bea'
      socket.connect()
    })
    socket.connect()
    await sim.advance(SECOND)
    expect(fold.getState()).toEqual(['snapshot of ann'])
    user = 'nobody'
    await sim.advance(10 * MINUTE)
    expect([loads, fold.getState()]).toEqual([['ann', 'bea'], ['snapshot of bea']])
    socket.close()
  })

  it('resets all stats(), which survive a close()', async () => {
    const { sim, socket } = world()
    socket.subscribe('orders', () => undefined)
    socket.connect()
    await sim.advance(SECOND)
    for (let count = 0; count < 3; count++) sim.publish('orders', count)
    void socket.publish('orders', 'mine')
    void socket.handover()
    await sim.advance(5 * SECOND)
    const { received, delivered, published, handovers } = socket.stats()
    expect([delivered, published, handovers]).toEqual([4, 1, 1])
    socket.close()
    socket.connect()
    await sim.advance(SECOND)
    expect(socket.stats()).toMatchObject({ received, delivered, published, handovers })
    socket.signOut()
    for (const phase of ['ended', 'connected']) {
      expect([
        phase,
        Object.values(socket.stats()).every((number) => number === 0),
        socket.store.getState().everLive,
      ]).toEqual([phase, true, phase === 'connected'])
      socket.connect()
      await sim.advance(SECOND)
    }
    socket.close()
  })

  it.each(['signOut', 'close'] as const)(
    'by %s() is not reported again: listeners added before the next connect() see no `closed`',
    async (end) => {
      const { sim, socket } = world()
      socket.connect()
      await sim.advance(SECOND)
      socket[end]()
      await sim.advance(SECOND)
      const told = new Set<string>()
      socket.store.subscribe(({ status }) => told.add(status))
      socket.connect()
      await sim.advance(SECOND)
      expect([...told]).toEqual([end === 'close' ? 'reconnecting' : 'connecting', 'live'])
      socket.close()
    },
  )

  it('keeps what its user publishes after it out of the next session', async () => {
    const { sim, socket } = world()
    socket.connect()
    await sim.advance(SECOND)
    socket.signOut()
    await expect(socket.publish('orders', 'late word of ann')).rejects.toMatchObject({ code: 'closed' })
    socket.connect()
    await sim.advance(SECOND)
    expect(sim.wire.some(({ text }) => text.includes('late word'))).toBe(false)
    socket.close()
  })
})

describe('signOut()', () => {
  function tabs() {
    const sim = createSimulation({ seed: 1, requireToken: true })
    const browser = createSimulatedTabs(sim.clock)
    const open = () => {
      const tab = browser.open()
      const device = sim.device()
      const socket = createLiveSocket({
        url: sim.url,
        getToken: device.getToken,
        environment: { ...device.environment, tabs: tab },
      })
      return {
        socket,
        tab,
        device,
        status: () => socket.store.getState().status,
        by: () => socket.store.getState().closed?.by,
      }
    }
    return { sim, browser, open }
  }

  it.each(['closed', 'never connected'])('of a socket that is %s ends the session in every tab', async (what) => {
    const { sim, open } = tabs()
    const [here, there] = [open(), open()]
    there.socket.connect()
    if (what === 'closed') here.socket.connect()
    await sim.advance(SECOND)
    here.socket.close()
    await sim.advance(SECOND)
    const fold = here.socket.fold('orders', append, none)
    here.socket.signOut()
    expect([here.status(), here.by(), fold.getState()]).toEqual(['closed', 'signed-out', none])
    await sim.advance(SECOND)
    expect([there.status(), there.by()]).toEqual(['closed', 'signed-out'])
  })

  it('called again does not end the session of the next user', async () => {
    const { sim, open } = tabs()
    const [ann, bea] = [open(), open()]
    ann.socket.connect()
    await sim.advance(SECOND)
    ann.socket.signOut()
    bea.socket.connect()
    await sim.advance(SECOND)
    ann.socket.signOut()
    await sim.advance(SECOND)
    expect(bea.status()).toBe('live')
    bea.socket.close()
  })

  it('in another tab while this one was closed takes effect when it connects: a new session, from `initial`', async () => {
    const { sim, open } = tabs()
    const [here, there] = [open(), open()]
    const fold = here.socket.fold('orders', append, none)
    fold.subscribe(() => undefined)
    for (const { socket } of [here, there]) socket.connect()
    await sim.advance(SECOND)
    sim.publish('orders', 'of ann')
    await sim.advance(SECOND)
    here.socket.close()
    there.socket.signOut()
    const before = sim.wire.length
    await sim.advance(SECOND)
    here.socket.connect()
    await sim.advance(SECOND)
    expect([here.status(), fold.getState()]).toEqual(['live', none])
    const hellos = sim.wire.slice(before).filter(({ text }) => text.includes('"hello"'))
    expect(hellos).toHaveLength(1)
    expect(
      sim.wire.slice(0, before).some(({ text }) => text.includes(JSON.parse(hellos[0]!.text).session as string)),
    ).toBe(false)
    here.socket.close()
  })

  it.each(['with it', 'a moment before it', 'with it, and somebody is signed in again'])(
    'holds even if the storage is cleared %s: a tab that was frozen sends nothing with the old token',
    async (when) => {
      const { sim, browser, open } = tabs()
      const [here, sleeper] = [open(), open()]
      here.socket.connect()
      await sim.advance(SECOND)
      sleeper.socket.connect()
      await sim.advance(5 * SECOND)
      sleeper.device.store()
      await sim.advance(5 * SECOND)
      if (when.startsWith('a moment')) browser.clearStorage()
      // What a page in the back/forward cache misses nobody tells it later.
      sleeper.tab.freeze()
      here.socket.signOut()
      if (when.startsWith('with')) browser.clearStorage()
      if (when.endsWith('again')) here.socket.connect()
      await sim.advance(MINUTE)
      const before = sim.wire.length
      sleeper.device.restore()
      await sim.advance(10)
      expect([sleeper.status(), sleeper.by()]).toEqual(['closed', 'signed-out'])
      await sim.advance(5 * SECOND)
      expect(sim.wire.slice(before).filter(({ by, text }) => by === 'client' && text.includes('"hello"'))).toEqual([])
      here.socket.close()
    },
  )

  it('is not what cleared storage means: open tabs and new ones stay signed in', async () => {
    const { sim, browser, open } = tabs()
    const [one, two] = [open(), open()]
    for (const { socket } of [one, two]) {
      socket.connect()
      await sim.advance(SECOND)
    }
    for (let round = 0; round < 3; round++) {
      browser.clearStorage()
      const later = open()
      later.socket.connect()
      await sim.advance(30 * SECOND)
      expect([one.status(), two.status(), later.status()]).toEqual(['live', 'live', 'live'])
      later.socket.close()
    }
    // One for each clearing, as nothing tells the new tab that there are others; never one more.
    expect(sim.tokens.requests.length).toBeLessThanOrEqual(4)
    one.socket.signOut()
    await sim.advance(SECOND)
    expect(two.by()).toBe('signed-out')
  })
})
