import { dehydrate, hydrate, QueryClient, type DehydratedState } from '@tanstack/query-core'
import { createLiveSocket, type LiveSocketError } from 'livesocket'
import { keepCurrent, type Snapshot } from 'livesocket/query'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { append } from '../socket/fold-kit.js'
import { queryStage, queryKey } from './query-stage.js'

type Orders = Snapshot<readonly number[]>

describe('keepCurrent', () => {
  it('begins with the result of queryFn, and adds messages from before, during and after the fetch once and in order', async () => {
    const w = await queryStage()
    w.simulation.publish('orders', 1)
    w.look()
    w.keep()
    const stop = w.simulation.publishEvery(10, 'orders', (n) => n + 1)
    await w.simulation.advance(1_000)
    stop()
    await w.simulation.advance(100)
    expect(w.state()).toEqual(w.data())
    expect(w.asks).toHaveLength(1)
    // 90 messages came in 900 ms: at most one write per frame.
    expect(w.shown.length).toBeLessThan(70)
  })

  it('refuses at once a reducer that is not a function', async () => {
    const w = await queryStage()
    const options = { client: w.client, queryKey, reducer: undefined as never }
    expect(() => keepCurrent(w.socket, 'orders', options)).toThrow('reducer must be a function; it was undefined.')
  })

  it('can be fetched again at any time, and never shows less than before', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    const stop = w.simulation.publishEvery(7, 'orders')
    for (let n = 0; n < 10; n++) {
      await w.simulation.advance(131)
      void w.client.invalidateQueries({ queryKey })
    }
    await w.simulation.advance(500)
    stop()
    await w.simulation.advance(100)
    expect(w.asks.length).toBeGreaterThan(5)
    expect(w.state()).toEqual(w.data())
    const lengths = w.shown.map((state) => state?.length ?? 0)
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b))
    expect(w.asked()).toHaveLength(1)
  })

  it('continues from existing data, such as from a server render, without a fetch', async () => {
    const w = await queryStage()
    w.simulation.publish('orders', 1)
    const server = new QueryClient()
    await server.prefetchQuery({
      queryKey,
      queryFn: () => ({ state: [1], position: { epoch: w.simulation.log.answer('orders', null).epoch, offset: 1 } }),
    })
    const page = JSON.parse(JSON.stringify(dehydrate(server))) as DehydratedState
    server.clear()
    for (const n of [2, 3]) w.simulation.publish('orders', n)
    hydrate(w.client, page)
    w.look()
    w.keep()
    await w.simulation.advance(200)
    expect(w.state()).toEqual([1, 2, 3])
    expect(w.asks).toHaveLength(0)
  })

  it('unsubscribes with its last user, and later resumes where it was', async () => {
    const w = await queryStage()
    w.look()
    const [one, other] = [w.keep(), w.keep()]
    await w.simulation.advance(300)
    w.simulation.publish('orders', 1)
    await w.simulation.advance(100)
    one()
    one()
    w.simulation.publish('orders', 2)
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 2])
    other()
    w.simulation.publish('orders', 3)
    await w.simulation.advance(5_000)
    expect(w.state()).toEqual([1, 2])
    expect(w.asked().map(({ type }) => type)).toEqual(['subscribe', 'unsubscribe'])
    w.keep()
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 2, 3])
    expect(w.asks).toHaveLength(1)
  })

  it('loses nothing when a fetch is cancelled or when a mutation writes', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    await w.simulation.advance(300)
    const stop = w.simulation.publishEvery(10, 'orders')
    await w.simulation.advance(200)
    void w.client.invalidateQueries({ queryKey })
    await w.simulation.advance(50)
    await w.client.cancelQueries({ queryKey })
    expect(w.asks.at(-1)!.signal.aborted).toBe(true)
    await w.simulation.advance(200)
    const before = w.client.getQueryData<Orders>(queryKey)!
    w.client.setQueryData<Orders>(queryKey, { ...before, state: [...before.state, -1] })
    await w.simulation.advance(200)
    expect(w.state()).toContain(-1)
    // As a failed mutation restores what it has changed.
    w.client.setQueryData(queryKey, before)
    stop()
    await w.simulation.advance(200)
    expect(w.state()).toEqual(w.data())
  })

  it('fetches again after a gap, shows its present data meanwhile, and later asks an API again that lags behind', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    await w.simulation.advance(60_000)
    w.simulation.publish('orders', 1)
    await w.simulation.advance(100)
    const { position } = w.client.getQueryData<Orders>(queryKey)!
    w.simulation.crash()
    for (const n of [2, 3]) w.simulation.publish('orders', n)
    w.simulation.log.trim('orders')
    w.simulation.restart()
    let lagging = 3
    w.answers((now) => (lagging-- > 0 ? { state: [1], position } : now))
    await w.simulation.advance(2_000)
    expect(w.state()).toEqual([1])
    w.simulation.publish('orders', 4)
    await w.simulation.advance(20_000)
    expect(w.state()).toEqual([1, 2, 3, 4])
    expect(w.asks).toHaveLength(5)
    w.simulation.publish('orders', 5)
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 2, 3, 4, 5])
  })

  it('tries again if the fetch after a gap fails, also when the numbering starts over', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    for (const n of [1, 2]) w.simulation.publish('orders', n)
    await w.simulation.advance(500)
    let failing = 2
    w.answers((now) => (failing-- > 0 ? new Error('503') : now))
    w.simulation.log.loseEpoch('orders')
    w.simulation.publish('orders', 3)
    await w.simulation.advance(20_000)
    w.simulation.publish('orders', 4)
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 2, 3, 4])
    expect(w.asks).toHaveLength(4)
  })

  it('buffers no more than a socket may hold, however long a fetch takes', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    await w.simulation.advance(300)
    void w.client.invalidateQueries({ queryKey })
    await w.simulation.advance(10)
    for (let n = 1; n <= 2_500; n++) w.simulation.publish('orders', n)
    await w.simulation.advance(2_000)
    expect(w.state()).toEqual(w.data())
  })

  it('removes the data of a user who signs out at once, and fetches again for the next user', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    w.simulation.publish('orders', 1)
    await w.simulation.advance(300)
    void w.client.invalidateQueries({ queryKey })
    await w.simulation.advance(10)
    w.socket.signOut()
    expect(w.state()).toBeUndefined()
    expect(w.asks.at(-1)!.signal.aborted).toBe(true)
    await w.simulation.advance(5_000)
    expect(w.state()).toBeUndefined()
    expect(w.asks).toHaveLength(2)
    // The data were fetched before anybody signed in, so it is unknown whose they are.
    w.client.setQueryData(queryKey, { state: [-1], position: { epoch: 'epoch-1', offset: 0 } })
    w.socket.connect()
    expect(w.state()).toBeUndefined()
    await w.simulation.advance(1_000)
    w.simulation.publish('orders', 2)
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 2])
    expect(w.asks).toHaveLength(3)
  })

  it('leaves nothing in the cache for the next user, even if no component shows it any more', async () => {
    const w = await queryStage()
    const leave = w.look()
    const stop = w.keep()
    await w.simulation.advance(300)
    stop()
    leave()
    expect(w.state()).toEqual([])
    w.socket.signOut()
    expect(w.client.getQueryCache().getAll()).toEqual([])
    w.socket.connect()
    w.look()
    w.keep()
    await w.simulation.advance(300)
    expect(w.state()).toEqual([])
    expect(w.asks).toHaveLength(2)
  })

  it('notices a session that ended before the query is kept current again, and a different socket', async () => {
    const w = await queryStage()
    w.look()
    w.keep()()
    await w.simulation.advance(300)
    const { url, environment } = w.simulation
    const another = createLiveSocket<{ orders: number }>({ url, environment })
    another.connect()
    w.simulation.publish('orders', 1)
    keepCurrent(another, 'orders', { client: w.client, queryKey, reducer: append })
    expect(w.state()).toBeUndefined()
    await w.simulation.advance(500)
    expect(w.state()).toEqual([1])
    another.signOut()
    expect(w.state()).toBeUndefined()
  })

  it('survives a close() and every kind of handover like any subscription', async () => {
    const w = await queryStage()
    w.look()
    w.keep()
    const stop = w.simulation.publishEvery(100, 'orders')
    await w.simulation.advance(1_000)
    w.simulation.deploy()
    await w.simulation.advance(10_000)
    w.simulation.crash()
    w.simulation.restart()
    await w.simulation.advance(10_000)
    w.socket.close()
    await w.simulation.advance(1_000)
    w.socket.connect()
    await w.simulation.advance(1_000)
    stop()
    await w.simulation.advance(200)
    expect(w.state()).toEqual(w.data())
    expect(w.asks).toHaveLength(1)
  })

  it('reports what is wrong: data that is not a snapshot, a reducer that throws, one key for two topics, no topic, no socket', async () => {
    const w = await queryStage()
    w.look()
    w.keep({
      reducer(state, n) {
        if (n === 2) throw new Error('two')
        return append(state, n)
      },
    })
    await w.simulation.advance(300)
    for (const n of [1, 2, 3]) w.simulation.publish('orders', n)
    await w.simulation.advance(100)
    expect(w.state()).toEqual([1, 3])
    const good = w.client.getQueryData<Orders>(queryKey)!
    w.client.setQueryData(queryKey, ['no', 'position'])
    w.client.setQueryData(queryKey, good)
    await w.simulation.advance(100)
    expect(w.errors).toEqual([
      'The reducer of "orders" threw at offset 2; the state is as if that message had not come.',
      'The query ["orders"] gave no { state, position }: "orders" cannot keep it current.',
    ])
    const options = { client: w.client, queryKey, reducer: (state: number) => state }
    expect(() => keepCurrent(w.socket, 'other', options)).toThrow('"orders" already keeps the query ["orders"] current')
    expect(() => keepCurrent(w.socket, '' as 'other', { ...options, queryKey: ['x'] })).toThrow('topic')
    expect(() => keepCurrent({} as typeof w.socket, 'other', { ...options, queryKey: ['x'] })).toThrow('no live socket')
  })

  it('calls the newest of those who keep it still, also where one gave the same options twice', async () => {
    const w = await queryStage()
    const called: string[] = []
    const by = (name: string) => ({
      reducer(state: readonly number[], n: number) {
        called.push(`${name} ${n}`)
        return append(state, n)
      },
    })
    w.look()
    const [first, second] = [by('first'), by('second')]
    w.keep(first)
    const stops = [w.keep(second), w.keep(second)]
    await w.simulation.advance(300)
    for (const n of [1, 2, 3]) {
      w.simulation.publish('orders', n)
      await w.simulation.advance(100)
      stops.pop()?.()
    }
    expect(called).toEqual(['second 1', 'second 2', 'first 3'])
    expect(w.state()).toEqual([1, 2, 3])
  })

  it('tells who keeps it that the server refuses the topic', async () => {
    const w = await queryStage({ authorize: () => false })
    const refusals: string[] = []
    w.look()
    w.keep({ onError: ({ code }) => void refusals.push(code) })
    await w.simulation.advance(500)
    expect(w.state()).toEqual([])
    expect(refusals).toEqual(['forbidden'])
  })

  it('tells of a refusal by the onError of the newest of those who keep it, or else by a warning', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onTestFinished(() => warned.mockRestore())
    const refusals: string[] = []
    const hears = { onError: ({ code }: LiveSocketError) => void refusals.push(code) }
    const refuse = async (first: object, newest: object) => {
      let allowed = true
      const { simulation, client, look, state } = await queryStage({ authorize: () => allowed })
      const { url, environment } = simulation
      const socket = createLiveSocket<{ orders: number }>({ url, environment })
      onTestFinished(() => socket.close())
      socket.connect()
      look()
      keepCurrent(socket, 'orders', { client, queryKey, reducer: append, ...first })
      await simulation.advance(500)
      simulation.publish('orders', 1)
      keepCurrent(socket, 'orders', { client, queryKey, reducer: append, ...newest })
      await simulation.advance(100)
      expect(state()).toEqual([1])
      allowed = false
      simulation.crash()
      simulation.restart()
      await simulation.advance(60_000)
      return warned.mock.calls.flat().filter((said) => String(said).includes('"orders"')).length
    }
    expect(await refuse({}, hears)).toBe(0)
    expect(refusals).toEqual(['forbidden'])
    expect(await refuse(hears, {})).toBe(1)
    expect(refusals).toEqual(['forbidden'])
  })
})
