import fc from 'fast-check'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { createLiveServer, type LiveServer } from 'livesocket/server'
import type { ServerFrame } from '../src/protocol/frames.js'
import { decodeServerFrame, encodeServerFrame } from '../src/protocol/server-frames.js'
import { rawClient, type RawClient } from './kit/raw-client.js'
import { frames, mutation } from './protocol/arbitrary-frames.js'
import { badFrames } from './protocol/bad-frames.js'
import { clientSamples, serverSamples } from './protocol/samples.js'

/** A live socket, and the server's end of its only leg. */
async function servedByHand() {
  const server = new WebSocketServer({ port: 0, perMessageDeflate: false })
  const arrived = new Promise<WebSocket>((resolve) => {
    server.on('connection', (ws) =>
      ws.once('message', () => {
        ws.send('{"type":"welcome","server":"n","topics":{"a":{"epoch":"e","offset":0,"after":0}}}')
        resolve(ws)
      }),
    )
  })
  const socket = createLiveSocket({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heartbeat: false,
    environment: { WebSocket },
  })
  const got: number[] = []
  const invalid: string[] = []
  const trouble: unknown[] = []
  let told = () => {}
  socket.subscribe('a', (_data, { offset }) => {
    got.push(offset)
    told()
  })
  socket.on('invalid', ({ reason }) => invalid.push(reason))
  for (const type of ['leg-closed', 'gap', 'error', 'handover-requested', 'redirect-refused'] as const)
    socket.on(type, (event) => trouble.push({ type, event }))
  socket.connect()
  const leg = await arrived
  let sent = 0
  return {
    socket,
    leg,
    got,
    invalid,
    trouble,
    /**
     * Sends one more message, and waits until it is delivered: all that was sent before has been dealt with by then.
     */
    async message() {
      const offset = ++sent
      const delivered = new Promise<void>((resolve) => (told = () => got.at(-1) === offset && resolve()))
      leg.send(`{"type":"message","topic":"a","offset":${offset},"data":${offset}}`)
      await delivered
    },
    end() {
      socket.close()
      server.close()
    },
  }
}

const stateOf = (socket: LiveSocket) => ({
  state: socket.store.getState(),
  ...socket.stats(),
  received: 0,
  delivered: 0,
  longestSilence: 0,
})

describe('bad input from a server, on a real socket', () => {
  let served: Awaited<ReturnType<typeof servedByHand>>
  beforeAll(async () => {
    served = await servedByHand()
    await served.message()
  })
  afterAll(() => served.end())

  it.each(badFrames(serverSamples).map(({ name, text }) => [name, text]))(
    '%s is an `invalid` event and changes nothing',
    async (_name, text) => {
      const { socket, leg, got, invalid, trouble } = served
      const [before, events, messages] = [stateOf(socket), invalid.length, got.length]
      leg.send(text)
      await served.message()
      expect(stateOf(socket)).toEqual(before)
      expect(invalid.length - events).toBe(1)
      expect(got.length - messages).toBe(1)
      expect(trouble).toEqual([])
    },
  )

  it('binary data is an `invalid` event and changes nothing', async () => {
    const { socket, leg, invalid, trouble } = served
    const [before, events] = [stateOf(socket), invalid.length]
    leg.send(new Uint8Array([1, 2, 3]))
    await served.message()
    expect([stateOf(socket), invalid.length - events, trouble]).toEqual([before, 1, []])
  })
})

describe('bad input from a client, on a real socket', () => {
  let live: LiveServer
  let neighbour: RawClient
  const thrown: unknown[] = []
  beforeAll(async () => {
    live = createLiveServer({
      port: 0,
      host: '127.0.0.1',
      authenticate: () => ({ subject: 'ann' }),
      authorize: () => true,
      onError: (error) => thrown.push(error),
    })
    await live.ready
    neighbour = await rawClient(live.address())
    await neighbour.hello({ topics: { a: {} } })
  })
  afterAll(() => live.close())

  it.each(badFrames(clientSamples).map(({ name, type, text }) => [name, type, text]))(
    '%s ends its own leg only, with a reason',
    async (_name, type, text) => {
      const client = await rawClient(live.address())
      if (type !== 'hello') await client.hello()
      client.ws.send(text)
      const { code } = await client.closed
      const said = client.of('error').map((error) => error['code'] as string)
      // What is far over the limit is cut off by the WebSocket layer, which says so with its code alone.
      expect([[code, ...said]]).toContainEqual(code === 1009 ? [1009, ...said] : [1002, 'protocol'])
      expect(JSON.stringify(client.of('error'))).not.toContain('canary')
    },
  )

  it('is never applied, disturbs no other leg, and throws nothing', async () => {
    expect(await live.publish('a', 'after all that')).toEqual({ epoch: expect.any(String), offset: 1 })
    expect(await neighbour.next('message')).toMatchObject({ offset: 1, data: 'after all that' })
    expect(thrown).toEqual([])
  })
})

describe('a hundred thousand damaged frames', () => {
  it('throw nothing, change nothing, and let the heap grow by less than 5 %', { timeout: 120_000 }, async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heap = () => {
      collect()
      collect()
      return process.memoryUsage().heapUsed
    }
    const served = await servedByHand()
    await served.message()
    const { socket, leg, trouble } = served
    const uncaught: unknown[] = []
    const caught = (error: unknown) => uncaught.push(error)
    process.on('uncaughtException', caught)
    const before = stateOf(socket)
    const damaged = fc
      .tuple(frames<ServerFrame>(serverSamples), mutation)
      .map(([frame, damage]) => damage(encodeServerFrame(frame)))
    /** Some are still frames after the damage, and mean what they say: they are not what this is about. */
    const isBad = (text: string) => {
      const decoded = decodeServerFrame(text)
      return decoded === null || 'invalid' in decoded
    }
    let sent = 0
    let atFirst = 0
    const known = served.invalid
    for (let seed = 1; sent < 100_000; seed++) {
      for (const text of fc.sample(damaged, { numRuns: 5_000, seed }).filter(isBad)) {
        leg.send(text)
        sent++
      }
      await served.message()
      known.length = 0
      served.got.length = 0
      if (seed === 4) atFirst = heap()
    }
    const atLast = heap()
    expect(stateOf(socket)).toEqual(before)
    expect([trouble, uncaught]).toEqual([[], []])
    expect(atLast / atFirst).toBeLessThan(1.05)
    process.off('uncaughtException', caught)
    served.end()
  })
})
