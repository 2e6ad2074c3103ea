import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createClient, type Client, type ClientOptions } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createRelay } from '../kit/relay.js'
import { graphqlWs, type GraphqlWsOptions } from '../../src/presets/graphql-ws.js'
import { LiveWebSocket, type LiveWebSocketOptions } from '../../src/vanilla/live-web-socket.js'
import { until } from '../server/kit.js'
import { oneToLast, scripted } from './stage.js'

// The package graphql has one copy for Node and one for bundlers, and rejects schemas of the other one. This is the
// copy that graphql-ws uses.
const { buildSchema } = createRequire(import.meta.url)('graphql') as typeof import('graphql')

const schema = buildSchema(`
  type Query { slow(name: String): String }
  type Mutation { charge: Int }
  type Subscription { tick: Int, tock: Int }
`)

/** Two servers of graphql-ws with one log, and the library's client over a LiveWebSocket. */
async function stage(
  options: GraphqlWsOptions = { identity: ({ data }) => Object.values(data as object)[0] as number },
  retries: Partial<ClientOptions> = { retryAttempts: 0 },
  overlapLimit = 400,
) {
  const log: number[] = []
  const wakers = new Set<() => void>()
  let charges = 0
  let release = () => {}
  let stopped = false
  const timer = setInterval(() => {
    for (let due = 0; due < 3; due++) log.push(log.length + 1)
    for (const wake of wakers) wake()
  }, 6)
  async function* follow(field: string) {
    for (let at = log.length; !stopped; ) {
      while (at < log.length) yield { [field]: log[at++] }
      await new Promise<void>((resolve) => wakers.add(resolve))
    }
  }
  const held = (answer: unknown) => new Promise((resolve) => (release = () => resolve(answer)))
  const roots = {
    query: { slow: ({ name }: { name: string }) => held(`hello ${name}`) },
    mutation: { charge: () => (charges++, held(charges)) },
    subscription: { tick: () => follow('tick'), tock: () => follow('tock') },
  }
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(wss, 'listening')
      useServer({ schema, roots }, wss)
      return wss
    }),
  )
  let serving = 0
  const relay = createRelay({ target: () => ({ port: (servers[serving]!.address() as AddressInfo).port }), delay: 10 })
  await relay.ready
  const sockets: LiveWebSocket[] = []
  const Live = LiveWebSocket.with({
    protocol: graphqlWs(options),
    once: true,
    WebSocket,
    handover: { dwell: 0, overlapLimit },
  })
  class Kept extends Live {
    constructor(...args: ConstructorParameters<typeof Live>) {
      super(...args)
      sockets.push(this)
    }
  }
  const told: string[] = []
  const client: Client = createClient({
    url: `ws://127.0.0.1:${relay.port}/`,
    webSocketImpl: Kept,
    ...retries,
    on: { connected: () => told.push('connected'), closed: () => told.push('closed') },
  })
  onTestFinished(async () => {
    stopped = true
    clearInterval(timer)
    for (const wake of wakers) wake()
    await client.dispose()
    for (const wss of servers) {
      for (const one of wss.clients) one.terminate()
      wss.close()
    }
    await relay.close()
  })
  const follower = (field: string) => {
    const seen: number[] = []
    client.subscribe<Record<string, number>>(
      { query: `# a query { } in a comment\nsubscription { ${field} }` },
      { next: ({ data }) => seen.push(data![field]!), error: () => undefined, complete: () => told.push('complete') },
    )
    return seen
  }
  return {
    client,
    told,
    follower,
    sockets,
    servers,
    charges: () => charges,
    release: () => release(),
    ask(query: string) {
      return new Promise((resolve, reject) =>
        client.subscribe({ query }, { next: resolve, error: reject, complete: () => undefined }),
      )
    },
    async move() {
      const before = sockets[0]!.live.stats().handovers
      const leaving = servers[serving]!
      serving = 1 - serving
      for (const one of leaving.clients) one.send('{"type":"ping","payload":{"handover":{"deadline":20000}}}')
      await until(() => sockets[0]!.live.stats().handovers === before + 1, 'the handover')
    },
  }
}

it('carries subscriptions of graphql-ws over handovers under load: the library notices nothing, and nothing is lost, repeated or reordered', async () => {
  // The protocol cannot say that a subscription has begun, so both legs live longer than that takes on a busy machine.
  const { follower, move, told, sockets } = await stage(undefined, undefined, 1_500)
  const [ticks, tocks] = [follower('tick'), follower('tock')]
  await until(() => ticks.length > 10 && tocks.length > 10, 'messages')
  for (let moves = 0; moves < 3; moves++) await move()
  const reached = ticks.at(-1)! + 50
  await until(() => ticks.at(-1)! >= reached && tocks.at(-1)! >= reached, 'messages after the handovers')
  expect([ticks, tocks]).toEqual([oneToLast(ticks), oneToLast(tocks)])
  expect([told, sockets.length]).toEqual([['connected'], 1])
})

it('never sends a mutation twice, and gets its answer on the leg that carried it', async () => {
  const { ask, move, charges, release, follower } = await stage()
  const ticks = follower('tick')
  await until(() => ticks.length > 0, 'messages')
  const answer = ask('mutation { charge }')
  await until(() => charges() === 1, 'the mutation')
  const moving = move()
  setTimeout(release, 100)
  expect(await answer).toEqual({ data: { charge: 1 } })
  await moving
  expect(charges()).toBe(1)
})

it('reports an unknown outcome if the leg ends before the answer', async () => {
  const { ask, move, charges } = await stage()
  const answer = ask('mutation { charge }')
  await until(() => charges() === 1, 'the mutation')
  await Promise.all([move(), expect(answer).rejects.toMatchObject([{ extensions: { code: 'outcome-unknown' } }])])
  expect(charges()).toBe(1)
})

it('without identities it keeps the connection and the subscriptions, and promises nothing about results in a handover', async () => {
  const { follower, move, told } = await stage({})
  const ticks = follower('tick')
  await until(() => ticks.length > 10, 'messages')
  await move()
  const reached = ticks.at(-1)! + 50
  await until(() => ticks.at(-1)! >= reached, 'messages after the handover')
  expect(told).toEqual(['connected'])
})

it('without identities, too, it keeps the old leg for outstanding answers', async () => {
  const { ask, move, charges, release } = await stage({})
  const answer = ask('mutation { charge }')
  await until(() => charges() === 1, 'the mutation')
  const moving = move()
  setTimeout(release, 150)
  expect(await answer).toEqual({ data: { charge: 1 } })
  await moving
})

it('shows the library a break as a close', async () => {
  const { follower, told, servers } = await stage()
  const ticks = follower('tick')
  await until(() => ticks.length > 0, 'messages')
  for (const client of servers[0]!.clients) client.terminate()
  await until(() => told.includes('closed'), 'the close')
})

it('lets the library reconnect on its own: a new socket of the same class knows nothing of the previous one', async () => {
  const { follower, told, servers, sockets } = await stage(undefined, {
    retryAttempts: 3,
    retryWait: async () => undefined,
  })
  const ticks = follower('tick')
  await until(() => ticks.length > 10, 'messages')
  for (const client of servers[0]!.clients) client.terminate()
  await until(() => told.filter((event) => event === 'connected').length === 2, 'the second connection')
  const reached = ticks.at(-1)! + 50
  await until(() => ticks.at(-1)! >= reached, 'messages after the break')
  expect(told).toEqual(['connected', 'closed', 'connected'])
  expect(sockets).toHaveLength(2)
})

/** Servers that send what the test says, one connection after the other. */
async function scriptedLegs(
  options: GraphqlWsOptions,
  accepts: (payload: Record<string, unknown>, leg: number) => boolean = () => true,
  client: Partial<ClientOptions> = { retryAttempts: 0 },
  live: LiveWebSocketOptions = {},
) {
  const payloads: unknown[] = []
  const running: string[] = []
  const server = await scripted(
    (frame, socket, leg) => {
      const said = JSON.parse(frame) as { type: string; id: string; payload: Record<string, unknown> }
      if (said.type === 'connection_init') {
        payloads.push(said.payload)
        if (accepts(said.payload, leg)) socket.send('{"type":"connection_ack"}')
        else socket.close(4403, 'Forbidden')
      }
      if (said.type === 'subscribe') running[leg] = said.id
      if (said.type === 'ping') socket.send('{"type":"pong"}')
    },
    undefined,
    'graphql-transport-ws',
  )
  const say = (leg: number, type: string, n?: number) =>
    server.legs[leg]!.socket.send(
      JSON.stringify({ type, id: running[leg], ...(n !== undefined && { payload: { data: { n } } }) }),
    )
  const sockets: LiveWebSocket[] = []
  const Live = LiveWebSocket.with({
    protocol: graphqlWs(options),
    once: true,
    WebSocket,
    handover: { dwell: 0, overlapLimit: 300 },
    ...live,
  })
  class Kept extends Live {
    constructor(...args: ConstructorParameters<typeof Live>) {
      super(...args)
      sockets.push(this)
    }
  }
  const told: string[] = []
  const library = createClient({
    url: server.url,
    webSocketImpl: Kept,
    ...client,
    on: { closed: () => told.push('closed'), ...client.on },
  })
  onTestFinished(() => library.dispose())
  const results: unknown[] = []
  library.subscribe<{ n: number }>(
    { query: 'subscription { n }' },
    {
      next: ({ data }) => results.push(data!.n),
      error: () => results.push('error'),
      complete: () => results.push('complete'),
    },
  )
  await until(() => running[0] !== undefined, 'the subscription')
  return {
    ...server,
    say,
    running,
    payloads,
    results,
    told,
    sockets,
    move: () => server.legs.at(-1)!.socket.send('{"type":"ping","payload":{"handover":{"deadline":3000}}}'),
  }
}

const byNumber: GraphqlWsOptions = { identity: ({ data }) => (data as { n: number }).n }

it.each(['before the next one serves', 'when the next one serves'])(
  'continues a subscription that the server ends because it shuts down, %s',
  async (when) => {
    const { say, running, results, move, legs, sockets } = await scriptedLegs(byNumber)
    say(0, 'next', 1)
    move()
    if (when === 'before the next one serves') say(0, 'complete')
    await until(() => running[1] !== undefined, 'the subscription on the next one')
    if (when === 'when the next one serves') {
      for (const leg of [0, 1]) say(leg, 'next', 2)
      say(0, 'complete')
    } else say(1, 'next', 2)
    say(1, 'next', 3)
    await until(() => results.length === 3 && sockets[0]!.live.stats().handovers === 1, 'the handover')
    expect(results).toEqual([1, 2, 3])
    say(1, 'complete')
    await until(() => results.length === 4, 'its end')
    expect([results.at(-1), legs.length]).toEqual(['complete', 2])
  },
)

it('answers the library’s pings, whichever leg is active', async () => {
  let pongs = 0
  const { sockets, move } = await scriptedLegs(
    byNumber,
    undefined,
    { retryAttempts: 0, keepAlive: 20, on: { pong: (received) => void (received && pongs++) } },
    { heartbeat: { interval: 20, timeout: 1_000 } },
  )
  await until(() => pongs > 3, 'pongs')
  move()
  await until(() => sockets[0]!.live.stats().handovers === 1, 'the handover')
  const before = pongs
  await until(() => pongs > before + 3, 'pongs after the handover')
  expect(sockets).toHaveLength(1)
})

it('lets the library send a new greeting if a server refuses the recorded one, instead of repeating the recorded one forever', async () => {
  let life = 1
  const { payloads, move, told, sockets, running } = await scriptedLegs(byNumber, ({ token }) => token === life, {
    retryAttempts: 3,
    retryWait: async () => undefined,
    connectionParams: () => ({ token: life }),
  })
  life = 2
  move()
  await until(() => running.length > 2, 'the subscription on the socket after it')
  expect([payloads, told, sockets.length]).toEqual([[{ token: 1 }, { token: 1 }, { token: 2 }], ['closed'], 2])
})
