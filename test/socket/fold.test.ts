import { createLiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it, vi } from 'vitest'
import { append, none, world, type Topics } from './fold-kit.js'

describe('fold', () => {
  it('folds every message in order, and calls listeners once an animation frame, with the state before and after', async () => {
    const { simulation, socket, data } = await world()
    const fold = socket.fold('orders', append, none)
    const told: [readonly number[], readonly number[]][] = []
    fold.subscribe((state, previous) => void told.push([state, previous]))
    await simulation.advance(100)
    for (let n = 1; n <= 1_000; n++) simulation.publish('orders', n)
    await simulation.advance(100)
    expect(fold.getState()).toEqual(data())
    expect(told.length).toBeLessThanOrEqual(3)
    expect(told[0]![1]).toBe(none)
    expect(told.at(-1)![0]).toBe(fold.getState())
    expect(fold.getInitialState()).toBe(none)
  })

  it('requests one animation frame at a time, and none without a listener or a change', async () => {
    const { environment, ...simulation } = createSimulation()
    let frames = 0
    const clock = { ...environment.clock, frame: (task: () => void) => (frames++, environment.clock.frame(task)) }
    const socket = createLiveSocket<Topics>({ url: simulation.url, environment: { ...environment, clock } })
    socket.connect()
    await simulation.advance(500)
    const listened = socket.fold('orders', append, none)
    const same = socket.fold('orders', (state: number) => state, 0)
    const left = socket.fold('orders', append, none)
    listened.subscribe(() => undefined)
    same.subscribe(() => undefined)
    left.subscribe(() => undefined)()
    await simulation.advance(100)
    const before = frames
    for (let n = 1; n <= 100; n++) simulation.publish('orders', n)
    await simulation.advance(20)
    expect(listened.getState()).toHaveLength(100)
    expect(left.getState()).toHaveLength(100)
    expect(frames - before).toBe(1)
  })

  it('gives the reducer the offset, the epoch and the rest of what a handler gets beside the data', async () => {
    const { simulation, socket } = await world()
    const reducer = vi.fn((state: number) => state + 1)
    const fold = socket.fold('orders', reducer, 0)
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    simulation.publish('orders', 7)
    await simulation.advance(100)
    expect(reducer).toHaveBeenCalledWith(0, 7, {
      topic: 'orders',
      offset: 1,
      epoch: expect.any(String) as string,
      leg: 1,
      replayed: false,
    })
  })

  it('subscribes with its first listener, and unsubscribes a second after its last one left', async () => {
    const { simulation, socket, asked } = await world()
    const fold = socket.fold('orders', append, none)
    await simulation.advance(5_000)
    expect(fold.getState()).toBe(none)
    expect(asked()).toEqual([])
    const stop = fold.subscribe(() => undefined)
    await simulation.advance(100)
    expect(asked()).toMatchObject([{ type: 'subscribe' }])
    stop()
    stop()
    await simulation.advance(900)
    expect(asked()).toEqual([])
    await simulation.advance(200)
    expect(asked()).toMatchObject([{ type: 'unsubscribe', topics: ['orders'] }])
  })

  it("subscribes once if a listener leaves and comes back at once, as in React's StrictMode", async () => {
    const { simulation, socket, asked, data } = await world()
    const fold = socket.fold('orders', append, none)
    fold.subscribe(() => undefined)()
    simulation.publish('orders', 1)
    const stop = fold.subscribe(() => undefined)
    await simulation.advance(100)
    simulation.publish('orders', 2)
    await simulation.advance(100)
    stop()
    simulation.publish('orders', 3)
    await simulation.advance(500)
    expect(fold.getState()).toEqual(data().slice(1))
    fold.subscribe(() => undefined)
    await simulation.advance(5_000)
    expect(asked()).toHaveLength(1)
    expect(fold.getState()).toEqual([2, 3])
  })

  it.each([{ before: 0 }, { before: 3 }])(
    'goes on where it was when a listener comes back after a minute ($before messages had come)',
    async ({ before }) => {
      const { simulation, socket } = await world()
      const fold = socket.fold('orders', append, none)
      const stop = fold.subscribe(() => undefined)
      await simulation.advance(100)
      for (let n = 1; n <= before; n++) simulation.publish('orders', n)
      await simulation.advance(100)
      stop()
      await simulation.advance(60_000)
      for (let n = before + 1; n <= before + 3; n++) simulation.publish('orders', n)
      await simulation.advance(100)
      expect(fold.getState()).toHaveLength(before)
      fold.subscribe(() => undefined)
      await simulation.advance(100)
      expect(fold.getState()).toEqual(Array.from({ length: before + 3 }, (_, at) => at + 1))
    },
  )

  it('starts after `from`, wherever other subscribers of the topic are', async () => {
    const { simulation, socket } = await world()
    for (let n = 1; n <= 5; n++) simulation.publish('orders', n)
    const others: number[] = []
    socket.subscribe('orders', (data) => void others.push(data))
    await simulation.advance(100)
    const { epoch } = simulation.published[0]!
    const fold = socket.fold('orders', append, none, { from: { epoch, offset: 2 } })
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    simulation.publish('orders', 6)
    await simulation.advance(100)
    expect(fold.getState()).toEqual([3, 4, 5, 6])
    expect(others).toEqual([6])
  })

  it('skips a message on which the reducer throws, and reports it', async () => {
    const { simulation, socket, errors } = await world()
    const fold = socket.fold(
      'orders',
      (state: readonly number[], data) => {
        if (data === 2) throw new Error('no')
        return [...state, data]
      },
      none,
    )
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    for (let n = 1; n <= 3; n++) simulation.publish('orders', n)
    await simulation.advance(100)
    expect(fold.getState()).toEqual([1, 3])
    expect(errors).toEqual([expect.stringContaining('reducer of "orders" threw at offset 2')])
  })

  it('calls a listener that leaves and comes back from within its call only at the next change', async () => {
    const { simulation, socket } = await world()
    const fold = socket.fold('orders', append, none)
    const told = { fold: 0, store: 0 }
    const again = (store: { subscribe(listener: () => void): () => void }, name: keyof typeof told) => {
      const leave = store.subscribe(() => {
        // An endless loop would hang the page.
        if (++told[name] > 10) return
        leave()
        again(store, name)
      })
    }
    again(fold, 'fold')
    again(socket.store, 'store')
    await simulation.advance(100)
    for (const n of [1, 2]) {
      simulation.publish('orders', n)
      await simulation.advance(500)
    }
    expect(told.fold).toBe(2)
    told.store = 0
    socket.close()
    expect(told.store).toBe(1)
  })

  it('calls the other listeners even if one throws or removes another', async () => {
    const { simulation, socket, errors } = await world()
    const fold = socket.fold('orders', append, none)
    const told: string[] = []
    fold.subscribe(() => {
      stop()
      throw new Error('no')
    })
    const stop = fold.subscribe(() => void told.push('left'))
    fold.subscribe(() => void told.push('third'))
    await simulation.advance(100)
    simulation.publish('orders', 1)
    await simulation.advance(100)
    expect(told).toEqual(['third'])
    expect(errors).toEqual([expect.stringContaining('listener of the fold of "orders" threw')])
  })

  it('keeps its state over close() and connect(), and begins again in a new session', async () => {
    const { simulation, socket } = await world()
    const fold = socket.fold('orders', append, none)
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    simulation.publish('orders', 1)
    await simulation.advance(100)
    socket.close()
    simulation.publish('orders', 2)
    await simulation.advance(5_000)
    socket.connect()
    await simulation.advance(500)
    expect(fold.getState()).toEqual([1, 2])
    socket.signOut()
    expect(fold.getState()).toBe(none)
    simulation.publish('orders', 3)
    socket.connect()
    expect(fold.getState()).toBe(none)
    await simulation.advance(500)
    simulation.publish('orders', 4)
    await simulation.advance(100)
    expect(fold.getState()).toEqual([4])
  })

  it('whose reducer closes the socket folds nothing more until connect(), and then the messages that it missed', async () => {
    const { simulation, socket } = await world()
    const fold = socket.fold(
      'orders',
      (state: readonly number[], data) => {
        if (data === 2) socket.close()
        return [...state, data]
      },
      none,
    )
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    for (let n = 1; n <= 4; n++) simulation.publish('orders', n)
    await simulation.advance(100)
    expect(fold.getState()).toEqual([1, 2])
    socket.connect()
    await simulation.advance(500)
    expect(fold.getState()).toEqual([1, 2, 3, 4])
  })

  it('gets the message at which an earlier handler closed the socket after connect()', async () => {
    const { simulation, socket } = await world()
    socket.subscribe('orders', (data) => {
      if (data === 2) socket.close()
    })
    const fold = socket.fold('orders', append, none)
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    for (let n = 1; n <= 4; n++) simulation.publish('orders', n)
    await simulation.advance(100)
    socket.connect()
    await simulation.advance(500)
    expect(fold.getState()).toEqual([1, 2, 3, 4])
  })

  it.each([
    { what: 'topic', args: ['', append, none] },
    { what: 'reducer', args: ['orders', null, none] },
    { what: 'options', args: ['orders', append, none, null] },
    { what: 'load', args: ['orders', append, none, { load: {} }] },
    { what: 'from', args: ['orders', append, none, { from: { epoch: 'a', offset: -1 } }] },
    { what: 'from', args: ['orders', append, none, { load: append, from: { epoch: 'a', offset: 1 } }] },
  ])('refuses a wrong $what with `invalid`', async ({ what, args }) => {
    const { socket } = await world()
    expect(() => socket.fold(...(args as Parameters<typeof socket.fold>))).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringMatching(new RegExp(what, 'i')) as string }),
    )
    expect(() => socket.fold('orders', append, none).subscribe(null as never)).toThrow(
      expect.objectContaining({ code: 'invalid' }),
    )
  })
})
