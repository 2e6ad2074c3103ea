import { describe, expect, it } from 'vitest'
import type { Page, PageChange } from '../../src/host/page.js'
import { tell } from './story.js'

describe('a page in the back/forward cache', () => {
  it('closes its leg with code 4000, and resumes from its position when it comes back', async () => {
    const { sim, socket, room, live, statuses, told, end } = tell({ reconnectSpread: 120_000 })
    await live()
    const stop = sim.publishEvery(200, 'room')
    await sim.advance(1_000)
    sim.store()
    await sim.advance(30_000)
    expect(told('leg-closed')).toEqual([
      { type: 'leg-closed', leg: 1, code: 4000, reason: 'the page is stored', by: 'client' },
    ])
    expect(sim.servers[0]!.legs).toBe(0)
    expect(sim.dials).toHaveLength(1)
    sim.restore()
    await sim.advance(100)
    stop()
    await sim.advance(300)
    // At once: pages are gone back to one by one.
    expect(socket.store.getState().status).toBe('live')
    expect(statuses).toEqual(['reconnecting', 'live'])
    expect(sim.dials).toHaveLength(2)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  })

  it('keeps its publishes: those on their way are applied once, and those that waited follow in order', async () => {
    const { sim, socket, live, end } = tell()
    await live()
    sim.servers[0]!.acks = false
    const outcomes = [1, 2, 3].map((data) => socket.publish('room', data))
    await sim.advance(15)
    sim.store()
    outcomes.push(socket.publish('room', 4))
    await sim.advance(60_000)
    sim.servers[0]!.acks = true
    sim.restore()
    await sim.advance(500)
    expect((await Promise.all(outcomes)).map(({ offset }) => offset)).toEqual([1, 2, 3, 4])
    expect(sim.published.map(({ data }) => data)).toEqual([1, 2, 3, 4])
    end()
  })

  it('sends nothing before its new leg is welcomed', async () => {
    const { sim, socket, live, end } = tell()
    await live()
    sim.store()
    await sim.advance(20_000)
    const before = sim.wire.length
    sim.restore()
    const published = socket.publish('room', 1)
    await sim.advance(500)
    await published
    expect(
      sim.wire
        .slice(before)
        .map(({ leg, text }) => [leg, (JSON.parse(text) as { type: string }).type])
        .slice(0, 3),
    ).toEqual([
      [2, 'hello'],
      [2, 'welcome'],
      [2, 'publish'],
    ])
    end()
  })

  it.each([0, 5, 15, 25, 35, 45, 55])(
    'that goes there %i ms into a handover comes back live and without a loss',
    async (after) => {
      const { sim, socket, room, live, end } = tell()
      await live()
      const stop = sim.publishEvery(10, 'room')
      const mine = socket.publish('room', 'mine')
      await sim.advance(100)
      sim.delay({ down: 25 })
      sim.deploy()
      await sim.advance(after)
      sim.store()
      await sim.advance(1_000)
      expect(sim.servers.map(({ legs }) => legs)).toEqual([0, 0])
      sim.restore()
      await sim.advance(500)
      stop()
      await sim.advance(500)
      await mine
      expect(socket.store.getState()).toMatchObject({ status: 'live', handover: null })
      expect([room.problems(), room.gaps]).toEqual([[], []])
      end()
    },
  )

  it('that goes there before its next dial is due dials only when it is back', async () => {
    const { sim, socket, live, end } = tell({ reconnectSpread: 1_000 })
    await live()
    sim.crash()
    await sim.advance(100)
    sim.restart()
    sim.store()
    await sim.advance(60_000)
    expect(sim.dials).toHaveLength(1)
    sim.restore()
    await sim.advance(100)
    expect(socket.store.getState().status).toBe('live')
    end()
  })

  it('that waits for the retryAfter of a busy server goes on waiting when it comes back sooner', async () => {
    const { sim, live, end } = tell({ reconnectSpread: 1_000 })
    await live()
    sim.refuse('busy', 60_000)
    sim.servers[0]!.crash()
    sim.servers[0]!.restart()
    await sim.advance(2_000)
    sim.store()
    await sim.advance(5_000)
    sim.restore()
    await sim.advance(50_000)
    expect(sim.dials).toHaveLength(2)
    sim.accept()
    await sim.advance(15_000)
    expect(sim.dials).toHaveLength(3)
    end()
  })

  it('that goes there during the retryAfter of a busy server keeps the spread of that server when it comes back', async () => {
    const { sim, live, end } = tell({ reconnectSpread: 300_000 })
    await live()
    sim.refuse('busy', 5_000)
    sim.servers[0]!.crash()
    sim.servers[0]!.restart()
    sim.offline()
    sim.online()
    await sim.advance(2_000)
    const dialled = sim.dials.length
    sim.store()
    await sim.advance(1_000)
    sim.restore()
    await sim.advance(4_500)
    expect(sim.dials).toHaveLength(dialled)
    end()
  })

  it('that goes there in the middle of a handover sends nothing more on either leg', async () => {
    const { sim, socket, live, end } = tell()
    await live()
    const side = sim.observe(socket, 'side')
    await sim.advance(50)
    sim.servers[0]!.acks = false
    socket.publish('room', 1).catch(() => {})
    await sim.advance(20)
    sim.deploy()
    await sim.advance(100)
    expect(socket.store.getState()).toMatchObject({ leg: { number: 2 }, handover: { phase: 'overlapping' } })
    for (const server of sim.servers) server.acks = false
    socket.publish('side', 2).catch(() => {})
    await sim.advance(20)
    const before = sim.wire.length
    sim.store()
    await sim.advance(100)
    expect(sim.wire.slice(before).filter(({ text }) => text.includes('"publish"'))).toEqual([])
    side.stop()
    end()
  })

  it('that is closed there stays closed', async () => {
    const { sim, socket, live, end } = tell()
    await live()
    sim.store()
    socket.close()
    sim.restore()
    await sim.advance(5_000)
    expect(socket.store.getState().status).toBe('closed')
    expect(sim.dials).toHaveLength(1)
    end()
  })
})

it('a page that still runs for a while after `pagehide` sends nothing and dials nothing until it is back', async () => {
  let tellPage = (_change: PageChange) => {}
  const page: Page = {
    hidden: () => false,
    subscribe(listener) {
      tellPage = listener
      return () => {}
    },
  }
  const { sim, socket, room, live, end } = tell({ reconnectSpread: 1_000 }, (sim) => ({
    environment: { ...sim.environment, page },
  }))
  await live()
  tellPage('stored')
  await sim.advance(20)
  const before = sim.wire.length
  const published = socket.publish('room', 'from there')
  await sim.advance(60_000)
  expect([sim.dials.length, sim.wire.length - before]).toEqual([1, 0])
  tellPage('restored')
  await sim.advance(200)
  await published
  expect(socket.store.getState().status).toBe('live')
  expect(room.messages.map(({ data }) => data)).toEqual(['from there'])
  end()
})
