import { createLiveSocket, type Position } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it, vi } from 'vitest'
import { api, append, none, world, type Topics } from './fold-kit.js'

describe('fold with load', () => {
  it('begins with the snapshot, and adds what came before, between and after', async () => {
    const w = await world()
    const { load, asks } = api(w)
    w.simulation.publish('orders', 1)
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    const stop = w.simulation.publishEvery(10, 'orders', (n) => n + 1)
    await w.simulation.advance(90)
    expect(fold.getState()).toBe(none)
    await w.simulation.advance(900)
    stop()
    await w.simulation.advance(100)
    expect(fold.getState()).toEqual(w.data())
    expect(asks).toMatchObject([{ attempt: 0 }])
    expect(asks[0]!.signal.aborted).toBe(false)
  })

  it('loads nothing before connect(), and then has the snapshot in time to subscribe from its position in the hello', async () => {
    const simulation = createSimulation()
    const socket = createLiveSocket<Topics>({ url: simulation.url, environment: simulation.environment })
    const load = vi.fn(() =>
      Promise.resolve({ state: [1, 2] as readonly number[], position: { epoch: 'epoch-1', offset: 0 } }),
    )
    const fold = socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    await simulation.advance(5_000)
    expect(load).not.toHaveBeenCalled()
    socket.connect()
    await simulation.advance(1)
    expect(fold.getState()).toEqual([1, 2])
    simulation.publish('orders', 3)
    await simulation.advance(500)
    expect(fold.getState()).toEqual([1, 2, 3])
    // The position was known in time for the hello.
    expect(
      simulation.wire.filter(({ by }) => by === 'client').map(({ text }) => JSON.parse(text) as object),
    ).toMatchObject([{ type: 'hello', topics: { orders: { epoch: 'epoch-1', offset: 0 } } }])
  })

  it.each(['connects again', 'listens again'])(
    'loads again for an application that %s from within the abort of its load',
    async (how) => {
      const w = await world()
      const load = vi.fn(({ signal, attempt }: { signal: AbortSignal; attempt: number }) => {
        signal.addEventListener('abort', () => {
          if (how === 'connects again') w.socket.connect()
          else fold.subscribe(() => undefined)
        })
        return attempt === 0 ? new Promise<never>(() => {}) : { state: [7], position: { epoch: 'epoch-1', offset: 0 } }
      })
      const fold = w.socket.fold('orders', append, none, { load: load as never })
      const undo = fold.subscribe(() => undefined)
      await w.simulation.advance(100)
      if (how === 'connects again') w.socket.close()
      else undo()
      await w.simulation.advance(5_000)
      w.simulation.publish('orders', 8)
      await w.simulation.advance(500)
      expect(fold.getState()).toEqual([7, 8])
    },
  )

  it('does not load again if the abort of a load that timed out closes the live socket', async () => {
    const w = await world()
    const load = vi.fn(({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => w.socket.close())
      return new Promise<never>(() => {})
    })
    w.socket.fold('orders', append, none, { load }).subscribe(() => undefined)
    await w.simulation.advance(600_000)
    expect(load).toHaveBeenCalledTimes(1)
  })

  it('loads again after a gap, and reports one gap', async () => {
    const w = await world()
    const { load, asks } = api(w)
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    await w.simulation.advance(60_000)
    w.simulation.publish('orders', 1)
    await w.simulation.advance(100)
    w.simulation.crash()
    for (const data of [2, 3]) w.simulation.publish('orders', data)
    w.simulation.log.trim('orders')
    w.simulation.restart()
    w.simulation.publishEvery(100, 'orders', (n) => 3 + n)
    await w.simulation.advance(10_000)
    expect(w.gaps).toMatchObject([{ reason: 'trimmed', from: 2 }])
    expect(asks).toHaveLength(2)
    expect(fold.getState()).toEqual(w.data().slice(0, fold.getState().length))
    expect(fold.getState().length).toBeGreaterThan(90)
  })

  it('loads again when the numbering starts over', async () => {
    const w = await world()
    const { load, asks } = api(w)
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    for (let n = 1; n <= 3; n++) w.simulation.publish('orders', n)
    await w.simulation.advance(500)
    w.simulation.log.loseEpoch('orders')
    w.simulation.publish('orders', 4)
    await w.simulation.advance(3_000)
    w.simulation.publish('orders', 5)
    await w.simulation.advance(500)
    expect(fold.getState()).toEqual([1, 2, 3, 4, 5])
    expect(asks).toHaveLength(2)
  })

  it.each([
    { how: 'throws', answer: () => new Error('503'), says: 'threw' },
    { how: 'gives nothing', answer: () => undefined, says: 'no { state, position }' },
    { how: 'gives a state without a position', answer: () => ({ state: [] }), says: 'an invalid position' },
    {
      how: 'gives a position that is none',
      answer: () => ({ state: [], position: { epoch: 'a', offset: -1 } }),
      says: 'an invalid position',
    },
    {
      how: 'gives a position of another epoch',
      answer: () => ({ state: [], position: { epoch: 'z', offset: 1 } }),
      says: 'epoch z',
    },
    {
      how: 'gives an object whose fields throw',
      answer: () => ({
        get state() {
          throw new Error('no')
        },
      }),
      says: 'threw',
    },
  ])('loads again with backoff if load $how, and reports it', async ({ answer, says }) => {
    const w = await world()
    const { load, asks, answers } = api(w)
    answers(answer)
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    await w.simulation.advance(60_000)
    expect(asks.length).toBeGreaterThan(3)
    expect(asks.length).toBeLessThan(12)
    expect(asks.map(({ attempt }) => attempt)).toEqual(asks.map((_, at) => at))
    expect(w.errors.length).toBeGreaterThanOrEqual(asks.length - 1)
    expect(w.errors[0]).toContain(`load for "orders"`)
    expect(w.errors[0]).toContain(says)
    answers((snapshot) => snapshot)
    w.simulation.publish('orders', 1)
    await w.simulation.advance(120_000)
    expect(fold.getState()).toEqual([1])
  })

  it.each(['answers', 'fails'])(
    'aborts a load that hangs, loads again, and ignores that the first one %s later',
    async (late) => {
      const w = await world()
      const calls: {
        signal: AbortSignal
        resolve(snapshot: { state: readonly number[]; position: Position }): void
        reject(error: Error): void
      }[] = []
      const load = ({ signal }: { signal: AbortSignal }) =>
        new Promise<{ state: readonly number[]; position: Position }>(
          (resolve, reject) => void calls.push({ signal, resolve, reject }),
        )
      const fold = w.socket.fold('orders', append, none, { load })
      fold.subscribe(() => undefined)
      await w.simulation.advance(35_000)
      expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false])
      expect(w.errors).toEqual([expect.stringContaining('did not answer within 30 s')])
      const { epoch, offset } = w.simulation.log.answer('orders', null)
      if (late === 'answers') calls[0]!.resolve({ state: [666], position: { epoch, offset } })
      else calls[0]!.reject(new Error('aborted'))
      await w.simulation.advance(5_000)
      expect(fold.getState()).toBe(none)
      expect(calls).toMatchObject([{}, { signal: { aborted: false } }])
      calls[1]!.resolve({ state: [1], position: { epoch, offset } })
      await w.simulation.advance(100)
      expect(fold.getState()).toEqual([1])
      expect(w.errors).toHaveLength(1)
    },
  )

  it.each(['the last listener has left', 'the socket is closed', 'the user signs out'])(
    'when %s, a load under way is aborted and its answer ignored',
    async (what) => {
      const w = await world()
      const { load, asks } = api(w, 2_000)
      const fold = w.socket.fold('orders', append, none, {
        load: (ask) => load(ask).then(() => ({ state: [666], position: { epoch: 'epoch-1', offset: 0 } })),
      })
      const stop = fold.subscribe(() => undefined)
      if (what === 'the last listener has left') stop()
      else if (what === 'the socket is closed') w.socket.close()
      else w.socket.signOut()
      await w.simulation.advance(1_100)
      expect(asks).toMatchObject([{ signal: { aborted: true } }])
      await w.simulation.advance(60_000)
      expect(fold.getState()).toBe(none)
      expect(asks).toHaveLength(1)
      expect(w.errors).toEqual([])
    },
  )

  it('loads again in a new session, but not when a closed socket connects again', async () => {
    const w = await world()
    const { load, asks } = api(w)
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    await w.simulation.advance(500)
    w.socket.close()
    w.simulation.publish('orders', 1)
    w.socket.connect()
    await w.simulation.advance(500)
    expect(asks).toHaveLength(1)
    expect(fold.getState()).toEqual([1])
    w.socket.signOut()
    w.socket.connect()
    await w.simulation.advance(500)
    expect(asks).toHaveLength(2)
    expect(fold.getState()).toEqual([1])
  })

  it('loads again at once when the connection is back', async () => {
    const w = await world()
    const { load, asks, answers } = api(w, 10)
    answers(() => new Error('offline'))
    const fold = w.socket.fold('orders', append, none, { load })
    fold.subscribe(() => undefined)
    w.simulation.crash()
    await w.simulation.advance(300_000)
    answers((snapshot) => snapshot)
    const before = asks.length
    w.simulation.restart()
    while (w.socket.store.getState().status !== 'live') await w.simulation.advance(1_000)
    await w.simulation.advance(200)
    expect(asks.length).toBeGreaterThan(before)
    w.simulation.publish('orders', 1)
    await w.simulation.advance(200)
    expect(fold.getState()).toEqual([1])
  })

  it('holds no more messages than its bounds during a load, and subscribes from the snapshot for the rest', async () => {
    const simulation = createSimulation()
    const socket = createLiveSocket<Topics>({
      url: simulation.url,
      environment: simulation.environment,
      holding: { maxMessages: 10 },
    })
    socket.connect()
    await simulation.advance(500)
    const { epoch, offset } = simulation.log.answer('orders', null)
    let answer = (_: { state: readonly number[]; position: Position }) => {}
    const fold = socket.fold('orders', append, none, { load: () => new Promise((resolve) => void (answer = resolve)) })
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    for (let n = 1; n <= 500; n++) simulation.publish('orders', n)
    await simulation.advance(100)
    const before = simulation.wire.length
    answer({ state: none, position: { epoch, offset } })
    await simulation.advance(100)
    expect(
      simulation.wire
        .slice(before)
        .filter(({ by }) => by === 'client')
        .map(({ text }) => JSON.parse(text) as object),
    ).toMatchObject([{ type: 'subscribe', topics: { orders: { epoch, offset } } }])
    expect(fold.getState()).toEqual(simulation.published.map(({ data }) => data))
  })
})
