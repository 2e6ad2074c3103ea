import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket, type LiveSocketError } from '../../src/index.js'
import { history } from '../../src/history/index.js'
import { memoryLog, type LiveServerOptions } from '../../src/server/index.js'
import { liveServer, until } from '../server/kit.js'

async function pair(options: Partial<LiveServerOptions<{ subject?: string }>> = {}) {
  const server = await liveServer(options)
  const socket = createLiveSocket<{ room: number; nothing: number; secret: number }>({
    url: server.address(),
    environment: { WebSocket },
  })
  onTestFinished(() => socket.close())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'it is live')
  return { server, socket }
}

const numbers = async (page: Promise<readonly { data: unknown }[]>) => (await page).map(({ data }) => data)
const refusal = (page: Promise<unknown>) =>
  page.then(
    () => null,
    ({ code, reason }: LiveSocketError) => ({ code, reason }),
  )

describe('history', () => {
  test('is paged back from now to the oldest message that is kept, without a hole', async () => {
    const { server, socket } = await pair({ log: memoryLog({ history: { maxMessages: 8 } }) })
    for (let n = 1; n <= 10; n++) await server.publish('room', n)
    const page = await history(socket, 'room', { limit: 3 })
    expect(page).toMatchObject([{ topic: 'room', offset: 8, data: 8, replayed: true }, { data: 9 }, { data: 10 }])
    const before = await history(socket, 'room', { limit: 3, before: page[0]! })
    expect(before).toMatchObject([{ data: 5 }, { data: 6 }, { data: 7 }])
    expect(await numbers(history(socket, 'room', { limit: 1e9, before: before[0]! }))).toEqual([3, 4])
    expect(await history(socket, 'room', { limit: 3, before: { epoch: page[0]!.epoch, offset: 3 } })).toEqual([])
    expect(await history(socket, 'room', { limit: 3, before: { epoch: page[0]!.epoch, offset: 1e9 } })).toEqual(page)
  })

  test('that is trimmed while it is paged gives what is left, and then an empty page; a new first page begins at the newest', async () => {
    const { server, socket } = await pair({ log: memoryLog({ history: { maxMessages: 8 } }) })
    for (let n = 1; n <= 10; n++) await server.publish('room', n)
    const page = await history(socket, 'room', { limit: 3 })
    for (let n = 11; n <= 14; n++) await server.publish('room', n)
    expect(await numbers(history(socket, 'room', { limit: 3, before: page[0]! }))).toEqual([7])
    for (let n = 15; n <= 20; n++) await server.publish('room', n)
    expect(await numbers(history(socket, 'room', { limit: 3, before: page[0]! }))).toEqual([])
    expect(await numbers(history(socket, 'room', { limit: 3 }))).toEqual([18, 19, 20])
  })

  test('contains only what this user may see, with full pages', async () => {
    const { server, socket } = await pair({ filter: ({ data }) => (data as number) % 3 === 0 })
    for (let n = 1; n <= 20; n++) await server.publish('room', n)
    expect(await numbers(history(socket, 'room', { limit: 4 }))).toEqual([9, 12, 15, 18])
  })

  test("counts the publishers' details in the size of a page, so that no page is larger than clients can read", async () => {
    const { socket } = await pair({
      log: memoryLog({ history: { maxBytes: 100e6 } }),
      tellPublisher: () => ({ picture: 'x'.repeat(60_000) }),
    })
    for (let n = 1; n <= 300; n++) await socket.publish('room', n)
    const page = await history(socket, 'room', { limit: 300 })
    expect(page.at(-1)).toMatchObject({ data: 300, by: { picture: expect.any(String) } })
    expect(await numbers(history(socket, 'room', { limit: 1, before: page[0]! }))).toEqual([300 - page.length])
  })

  test('of which this user may see nothing takes few reads of the log, and none after the request is aborted', async () => {
    const log = memoryLog()
    const read = { times: 0, slow: null as Promise<void> | null }
    const { server, socket } = await pair({
      log: { ...log, read: async (...ask) => (read.times++, await read.slow, log.read(...ask)) },
      filter: () => false,
    })
    for (let n = 1; n <= 1_000; n++) await server.publish('room', n)
    expect(await history(socket, 'room', { limit: 1 })).toEqual([])
    expect(read.times).toBeLessThan(12)

    read.times = 0
    let goOn = () => {}
    read.slow = new Promise<void>((resolve) => void (goOn = resolve))
    const controller = new AbortController()
    const asked = refusal(history(socket, 'room', { limit: 1, signal: controller.signal }))
    await until(() => read.times === 1, 'the log is being asked')
    controller.abort()
    await asked
    // The cancel arrives before any later request.
    await history(socket, 'nothing', { limit: 1 })
    goOn()
    await history(socket, 'nothing', { limit: 1 })
    expect(read.times).toBe(1)
  })

  test('is empty for a topic without messages, and refused for a forbidden topic', async () => {
    const { socket } = await pair({ authorize: ({ topic }) => topic !== 'secret' })
    expect(await history(socket, 'nothing', { limit: 3 })).toEqual([])
    expect(await refusal(history(socket, 'secret', { limit: 3 }))).toMatchObject({ code: 'forbidden' })
  })

  test.each([
    [undefined as never, 'invalid'],
    [{ limit: 0 }, 'invalid'],
    [{ limit: -1 }, 'invalid'],
    [{ limit: 1.5 }, 'invalid'],
    [{ limit: 3, before: { epoch: 'another', offset: 3 } }, 'epoch'],
    [{ limit: 3, before: { epoch: '', offset: 3 } }, 'invalid'],
  ])('a request with %j is refused as %s, and nothing else changes', async (options, reason) => {
    const { server, socket } = await pair()
    await server.publish('room', 1)
    expect(await refusal(history(socket, 'room', options))).toEqual({ code: 'refused', reason })
    expect(await numbers(history(socket, 'room', { limit: 3 }))).toEqual([1])
  })
})

describe("a message of one's own", () => {
  test('has the id of its publish, live, replayed and in the history; messages of others have none', async () => {
    const { server, socket } = await pair()
    const other = await server.join({ topics: { room: {} } })
    const seen: (string | undefined)[] = []
    socket.subscribe('room', (_, { id }) => void seen.push(id))
    const { id } = await socket.publish('room', 1)
    await server.publish('room', 2)
    await until(() => seen.length === 2, 'both came')
    expect(seen).toEqual([id, undefined])
    expect(await other.next('message')).toEqual({ type: 'message', topic: 'room', offset: 1, data: 1 })
    expect((await history(socket, 'room', { limit: 2 })).map((message) => message.id)).toEqual([id, undefined])
    const again: (string | undefined)[] = []
    socket.subscribe('room', (_, message) => void again.push(message.id), { from: { last: 2 } })
    await until(() => again.length === 2, 'both came again')
    expect(again).toEqual([id, undefined])
  })

  test.each<[string, LiveServerOptions<{ subject?: string }>['tellPublisher'], unknown]>([
    ['nobody, by default', undefined, undefined],
    ['the subject', true, 'anybody'],
    ['what the application says about the user', ({ subject }) => ({ name: subject }), { name: 'anybody' }],
    ['nobody, if that cannot be sent', () => 1n, undefined],
    ['nobody, if that is a promise', () => Promise.reject(new Error('away')), undefined],
  ])('is shown to others as by %s', async (_, tellPublisher, by) => {
    const { server, socket } = await pair(tellPublisher === undefined ? {} : { tellPublisher })
    const other = await server.join({ topics: { room: {} } })
    await socket.publish('room', 1)
    expect((await other.next('message')).by).toEqual(by)
    expect((await history(socket, 'room', { limit: 1 }))[0]!.by).toEqual(by)
  })
})

test('the head of a topic, and the result of a publish, are positions to subscribe from', async () => {
  const { server, socket } = await pair()
  const head = await server.head('room')
  expect(await server.publish('room', 1)).toEqual({ epoch: head.epoch, offset: 1 })
  await server.publish('room', 2)
  const seen: number[] = []
  socket.subscribe('room', (data) => void seen.push(data), { from: head })
  await until(() => seen.length === 2, 'both came')
  expect(seen).toEqual([1, 2])
  await expect(server.head('')).rejects.toMatchObject({ code: 'invalid' })
})

test.each([0, -1, 1.5, '3', NaN])('a subscription from the last %j is refused at once', async (last) => {
  const { socket } = await pair()
  expect(() => socket.subscribe('room', () => {}, { from: { last: last as number } })).toThrow('{ last: n }')
})
