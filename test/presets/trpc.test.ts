import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { initTRPC, tracked, TRPCError } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocketServer } from 'ws'
import { trpc } from '../../src/presets/trpc.js'
import { openCodec } from '../kit/open-codec.js'
import { until } from '../server/kit.js'
import { oneToLast, speaking } from './stage.js'

/** Two servers of `@trpc/server` behind one URL, over one log of numbers. */
async function servers(perSecond: number) {
  const t = initTRPC.create()
  const log: number[] = []
  const wakers = new Set<() => void>()
  let stopped = false
  /** The calls of `pay`, and what ends their waiting. */
  const paid: number[] = []
  const paying = new Map<number, (value: unknown) => void>()
  /** Which ids `halts` was asked to go on from. */
  const resumed: (string | undefined)[] = []
  const timer = setInterval(() => {
    for (let due = perSecond / 200; due > 0; due--) log.push(log.length + 1)
    for (const wake of wakers) wake()
  }, 5)
  const router = t.router({
    ticks: t.procedure
      .input((input) => input as { lastEventId?: string } | undefined)
      .subscription(async function* ({ input, signal }) {
        let at = input?.lastEventId === undefined ? log.length : Number(input.lastEventId)
        while (!signal?.aborted && !stopped) {
          while (at < log.length) {
            const number = log[at++]!
            yield tracked(String(number), { number })
          }
          await new Promise<void>((resolve) => {
            const wake = () => (wakers.delete(wake), resolve())
            wakers.add(wake)
            signal?.addEventListener('abort', wake)
          })
        }
      }),
    /** Says `stop` behind the first of three, without an id, and the others only when it is asked anew. */
    halts: t.procedure
      .input((input) => input as { lastEventId?: string } | undefined)
      .subscription(async function* ({ input, signal }) {
        resumed.push(input?.lastEventId)
        if (input?.lastEventId === undefined) {
          yield tracked('1', 'one')
          yield 'stop'
        } else yield* [tracked('2', 'two'), tracked('3', 'three')]
        await once(signal!, 'abort')
      }),
    secret: t.procedure.subscription(async function* () {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not you' })
      yield 1
    }),
    double: t.procedure
      .input((input) => input as number)
      .mutation(({ input }) => {
        if (input < 0) throw new TRPCError({ code: 'BAD_REQUEST', message: 'positive ones only' })
        return 2 * input
      }),
    pay: t.procedure
      .input((input) => input as number)
      .mutation(async ({ input }) => {
        paid.push(input)
        await new Promise((resolve) => paying.set(input, resolve))
        return input
      }),
  })
  const all = await Promise.all(
    ['blue', 'green'].map(async () => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(wss, 'listening')
      return {
        wss,
        handler: applyWSSHandler({ wss, router }),
        url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}/`,
      }
    }),
  )
  onTestFinished(() => {
    stopped = true
    clearInterval(timer)
    for (const wake of wakers) wake()
    for (const { wss } of all) {
      for (const client of wss.clients) client.terminate()
      wss.close()
    }
  })
  return { all, log, paid, paying, resumed }
}

it('loses, repeats and reorders nothing when @trpc/server broadcasts its reconnect notification, at 1,000 messages a second', async () => {
  const { all, log } = await servers(1_000)
  let dials = 0
  const { socket, seen } = speaking(() => all[dials++ % 2]!.url, trpc()).follow('ticks')
  socket.connect()
  await until(() => seen.length > 0, 'the first')
  for (let move = 1; move <= 20; move++) {
    all[(dials - 1) % 2]!.handler.broadcastReconnectNotification()
    await until(() => socket.stats().handovers === move, `handover ${move}`)
  }
  const last = log.length
  const numbers = () => seen.map((data) => (data as { number: number }).number)
  await until(() => numbers().at(-1)! >= last, 'the last')
  expect(numbers()).toEqual(oneToLast(numbers()))
})

it('resumes after a break from the last id that it saw', async () => {
  const { all, log } = await servers(200)
  const { socket, seen } = speaking(all[0]!.url, trpc(), { reconnect: { spread: 0 } }).follow('ticks')
  socket.connect()
  await until(() => seen.length > 5, 'some')
  for (const client of all[0]!.wss.clients) client.terminate()
  const last = log.length + 100
  await until(() => seen.length > 0 && (seen.at(-1) as { number: number }).number >= last, 'what came after')
  const numbers = seen.map((data) => (data as { number: number }).number)
  expect(numbers).toEqual(oneToLast(numbers))
  expect(socket.stats().reconnects).toBe(1)
})

it('resumes after a break from the last id that it saw, even if something without an id came after it', async () => {
  const { all, resumed } = await servers(0)
  const { socket, seen } = speaking(all[0]!.url, trpc(), { reconnect: { spread: 0 } }).follow('halts')
  socket.connect()
  await until(() => seen.length === 2, 'the first, and the notice')
  for (const client of all[0]!.wss.clients) client.terminate()
  await until(() => seen.length === 4, 'the others')
  expect([resumed, seen]).toEqual([
    [undefined, '1'],
    ['one', 'stop', 'two', 'three'],
  ])
})

it('publishes as a mutation, and gets its answer or refusal', async () => {
  const { all } = await servers(0)
  const { socket } = speaking(all[0]!.url, trpc())
  socket.connect()
  await expect(socket.publish('double', 21)).resolves.toMatchObject({ data: 42 })
  await expect(socket.publish('double', -1)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('positive ones only') as string,
  })
})

it('accepts the answer to its first ping, with or without subscriptions', () => {
  for (const topics of [[], ['ticks']]) {
    const codec = openCodec(trpc())
    codec.encode({
      type: 'hello',
      session: 's',
      leg: 1,
      topics: new Map(topics.map((topic) => [topic, null])),
    } as never)
    const greeting = ['PONG', ...topics.map(() => '{"id":1,"result":{"type":"started"}}')]
    expect(greeting.flatMap((text) => codec.decode(text))).toMatchObject([{ type: 'welcome' }])
    expect(codec.encode({ type: 'ping' })).toEqual('PING')
    expect(codec.decode('PONG')).toEqual([{ type: 'pong' }])
  }
})

it('sends a mutation once, whatever happens to its leg: the old leg brings the answer, and without an answer the outcome is unknown', async () => {
  const { all, paid, paying } = await servers(0)
  let dials = 0
  const { socket } = speaking(() => all[dials++ % 2]!.url, trpc(), { reconnect: { spread: 0 } })
  socket.connect()
  const answered = socket.publish('pay', 1)
  await until(() => paid.length === 1, 'the first')
  const moved = socket.handover()
  await until(() => dials === 2 && socket.store.getState().handover?.phase !== 'dialling', 'the next leg')
  paying.get(1)!(null)
  await expect(answered).resolves.toMatchObject({ data: 1 })
  await moved
  const cut = expect(socket.publish('pay', 2)).rejects.toMatchObject({ code: 'outcome-unknown' })
  await until(() => paid.length === 2, 'the second')
  for (const { wss } of all) for (const client of wss.clients) client.terminate()
  await cut
  await until(() => socket.stats().reconnects === 1, 'the next leg')
  await expect(socket.publish('double', 1)).resolves.toMatchObject({ data: 2 })
  expect(paid).toEqual([1, 2])
})

it('reports a subscription that the server refuses, and serves the others', async () => {
  const { all } = await servers(100)
  const { socket, seen } = speaking(all[0]!.url, trpc()).follow('ticks').follow('secret')
  const errors: unknown[] = []
  socket.on('error', ({ error }) => errors.push(error.topic))
  socket.connect()
  await until(() => seen.length > 3 && errors.length > 0, 'both')
  expect(errors).toEqual(['secret'])
})

it('reports a topic whose input is not JSON, as the server does, and serves the others', async () => {
  const { all } = await servers(100)
  const { socket, seen, invalid } = speaking(all[0]!.url, trpc()).follow('ticks').follow('ticks?{')
  const errors: unknown[] = []
  socket.on('error', ({ error }) => errors.push(error.topic))
  socket.connect()
  await until(() => seen.length > 3 && errors.length > 0, 'both')
  expect([errors, invalid]).toEqual([['ticks?{'], []])
})

it('reports a subscription that has ended', () => {
  const codec = openCodec(trpc())
  const [started] = codec.encode({
    type: 'hello',
    session: 's',
    leg: 1,
    topics: new Map([['ticks', null]]),
  } as never) as string[]
  const { id } = JSON.parse(started!) as { id: number }
  codec.decode('PONG')
  expect(codec.decode(JSON.stringify({ id, result: { type: 'started' } }))).toMatchObject([{ type: 'welcome' }])
  expect(codec.decode(JSON.stringify({ id, result: { type: 'stopped' } }))).toMatchObject([
    { type: 'error', code: 'ended', topic: 'ticks' },
  ])
})

it('sends the token as connection params, and fetches a new one if createContext answers UNAUTHORIZED', async () => {
  const t = initTRPC.context<{ user: string }>().create()
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(wss, 'listening')
  onTestFinished(() => {
    for (const client of wss.clients) client.terminate()
    wss.close()
  })
  const shown: unknown[] = []
  applyWSSHandler({
    wss,
    router: t.router({ who: t.procedure.mutation(({ ctx }) => ctx.user) }),
    createContext({ info }) {
      const { token } = info.connectionParams ?? {}
      shown.push(token)
      if (token !== 'good') throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })
      return { user: 'ada' }
    },
  })
  let asked = 0
  const { socket } = speaking(`ws://127.0.0.1:${(wss.address() as AddressInfo).port}/`, trpc(), {
    getToken: async () => (++asked === 1 ? 'old' : 'good'),
  })
  socket.connect()
  await until(() => shown.length === 2 && socket.store.getState().status === 'live', 'live with the new one')
  await expect(socket.publish('who', null)).resolves.toMatchObject({ data: 'ada' })
  expect([shown, asked]).toEqual([['old', 'good'], 2])
})

it('drops late results of a subscription that has ended', () => {
  const codec = openCodec(trpc())
  const started = codec.encode({
    type: 'hello',
    session: 's',
    leg: 1,
    topics: new Map([['ticks', null]]),
  } as never) as string[]
  const { id } = JSON.parse(started[0]!) as { id: number }
  codec.encode({ type: 'unsubscribe', topics: ['ticks'] })
  codec.encode({ type: 'subscribe', id: '1', topics: new Map([['ticks', null]]) })
  const data = (of: number) => JSON.stringify({ id: of, result: { type: 'data', data: of } })
  expect(codec.decode('PONG')).toMatchObject([{ type: 'welcome' }])
  expect(codec.decode(data(id))).toEqual([])
  expect(codec.decode(data(id + 1))).toMatchObject({ type: 'message', data: id + 1 })
})
