import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../../src/index.js'
import { systemClock } from '../../../src/base/clock.js'
import type { RawClient } from '../../kit/raw-client.js'
import { liveServer, until } from '../kit.js'

const sleep = (milliseconds: number) =>
  new Promise<void>((resolve) => void systemClock.setTimeout(resolve, milliseconds))

test.each([
  ['throws', () => Promise.reject(new Error('connect ECONNREFUSED'))],
  ['hangs', () => new Promise<never>(() => undefined)],
])(
  'an identity service that %s for 3 s signs nobody out: live clients stay live, and those that dial keep session and token and get in',
  async (_, fault) => {
    let away = false
    let calls = 0
    const server = await liveServer<{ subject: string; tokenTtl: number }>({
      limits: { helloTimeout: 500 },
      authenticate: ({ token }) => (away ? fault() : { subject: token!.split(' ')[0]!, tokenTtl: 600_000 }),
    })
    const socketOf = (name: string) => {
      const told: string[] = []
      const fetched: string[] = []
      const socket = createLiveSocket({
        url: server.address(),
        key: name,
        environment: { WebSocket },
        reconnect: { spread: 200, cap: 500 },
        getToken: async ({ reason }) => (fetched.push(reason), { token: `${name} ${++calls}`, ttl: 600_000 }),
      })
      onTestFinished(() => socket.close())
      socket.store.subscribe(({ status }, before) => void (status !== before.status && told.push(status)))
      return { socket, told, fetched }
    }
    const live = socketOf('live')
    live.socket.connect()
    await until(() => live.told.at(-1) === 'live', 'live')

    away = true
    const dials = socketOf('dials')
    dials.socket.connect()
    // A fresh token on the live leg meets the outage as well.
    await server.offerTokens(
      () => true,
      () => ({ token: 'live offered', tokenTtl: 600_000 }),
    )
    await sleep(3_000)
    await until(() => (server.stats().failed.busy ?? 0) >= 2, 'it has tried again')
    away = false
    await until(() => dials.told.at(-1) === 'live', 'in')

    expect(dials.fetched).toEqual(['first'])
    expect(dials.told).not.toContain('closed')
    expect(live.told).toEqual(['connecting', 'live'])
    expect(live.socket.store.getState().leg?.number).toBe(1)
    expect(server.stats().failed).toEqual({ busy: expect.any(Number) })
  },
)

test('calls of authenticate that never end keep nobody out: a crowd that met a hanging service is live soon after it is back', async () => {
  let away = true
  const server = await liveServer<{ subject: string }>({
    limits: { helloTimeout: 500 },
    authenticate: () => (away ? new Promise<never>(() => undefined) : { subject: 'anybody' }),
  })
  const sockets = Array.from({ length: 60 }, (_, one) => {
    const socket = createLiveSocket({
      url: server.address(),
      key: `one of many ${one}`,
      environment: { WebSocket },
      reconnect: { spread: 200, cap: 500 },
    })
    onTestFinished(() => socket.close())
    return socket
  })
  for (const socket of sockets) socket.connect()
  await sleep(1_500)
  away = false
  await until(() => sockets.every(({ store }) => store.getState().status === 'live'), 'all live')
  expect(server.errors).toContainEqual(
    expect.objectContaining({ code: 'timeout', message: expect.stringContaining('signal') }),
  )
})

test('at most maxAuthenticating calls of authenticate are under way, abandoned ones included; the others get their turn in order of arrival', async () => {
  const asked: string[] = []
  const answers: (() => void)[] = []
  const server = await liveServer<{ subject: string }>({
    limits: { maxAuthenticating: 2 },
    authenticate: ({ token }) =>
      new Promise((answer) => {
        asked.push(token!)
        answers.push(() => answer({ subject: token! }))
      }),
  })
  const here = () => server.stats().admission.greeting + server.stats().admission.waiting
  const clients: RawClient[] = []
  for (const token of ['gone', 'stays', 'third', 'fourth']) {
    const client = await server.client()
    clients.push(client)
    client.send({ type: 'hello', session: token, leg: 1, topics: {}, token })
    await until(() => here() === clients.length, `${token} has come`)
  }
  expect(asked).toEqual(['gone', 'stays'])
  clients[0]!.close()
  await until(() => server.stats().admission.greeting === 1, 'it has gone')
  expect(asked).toEqual(['gone', 'stays'])
  answers[0]!()
  await until(() => asked.length === 3, 'there is a place for the third')
  expect(asked).toEqual(['gone', 'stays', 'third'])
  answers[1]!()
  await until(() => asked.length === 4, 'and for the fourth')
  expect(asked).toEqual(['gone', 'stays', 'third', 'fourth'])
  for (const answer of answers.slice(2)) answer()
  await Promise.all(clients.slice(1).map((client) => client.next('welcome')))
})
