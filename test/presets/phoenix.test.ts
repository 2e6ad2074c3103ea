import { Socket } from 'phoenix'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { phoenix as preset, type PhoenixOptions } from '../../src/presets/phoenix.js'
import { openCodec } from '../kit/open-codec.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

/** The preset as it is, except for the time that both connections live. */
const phoenix = (options: PhoenixOptions = {}) => preset({ leastOverlap: 0, ...options })

const idOf = ({ payload }: { payload: unknown }) => {
  const { id } = payload as { id?: number }
  return id === undefined ? null : String(id)
}

type Frame = [string | null, string | null, string, string, unknown]

/** A server of serializer 2.0.0 that both clients accept. */
async function endpoint() {
  const joined: number[] = []
  const server = await scripted((text, socket, leg) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text) as Frame
    const reply = (status: string, response: unknown) =>
      socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status, response }]))
    if (event === 'phx_join' && topic === 'secret') reply('error', { reason: 'unauthorized' })
    else if (event === 'fail') reply('error', { reason: 'no' })
    else if (event !== 'phx_join') reply('ok', event === 'echo' ? payload : {})
    else {
      const late = topic === 'room:2' && leg > 0 ? 50 : 0
      setTimeout(() => {
        joined[leg] = (joined[leg] ?? 0) + 1
        reply('ok', {})
      }, late)
    }
    if (event === 'phx_leave') socket.send(JSON.stringify([joinRef, ref, topic, 'phx_close', {}]))
  })
  const frames = (leg: number) => server.legs[leg]!.received.map((text) => JSON.parse(text) as Frame)
  return {
    ...server,
    frames,
    joined,
    broadcast: (leg: number, topic: string, event: string, payload: unknown, joinRef: string | null = null) =>
      server.legs[leg]!.socket.send(JSON.stringify([joinRef, null, topic, event, payload])),
  }
}

/** A client may choose any references. Only which of them are equal matters. */
function renamed(frames: Frame[]): Frame[] {
  const names = new Map<string, string>()
  const name = (ref: string | null) => {
    if (ref === null) return null
    if (!names.has(ref)) names.set(ref, `r${names.size}`)
    return names.get(ref)!
  }
  return frames.map(([joinRef, ref, ...rest]) => [name(joinRef), name(ref), ...rest])
}

it('sends the same frames as the phoenix client from npm: join, push, heartbeat, leave', async () => {
  const server = await endpoint()
  const theirs = new Socket(server.url, { transport: WebSocket as never, heartbeatIntervalMs: 1_000_000 })
  onTestFinished(() => theirs.disconnect())
  theirs.connect()
  await until(() => theirs.isConnected(), 'connected')
  const channel = theirs.channel('room:1', { name: 'ada' })
  const heard: unknown[] = []
  channel.on('said', (payload) => heard.push(payload))
  channel.join()
  await until(() => channel.state === 'joined', 'joined')
  await new Promise((resolve) => channel.push('echo', { text: 'hi' }).receive('ok', resolve))
  ;(theirs as unknown as { sendHeartbeat(): void }).sendHeartbeat()
  server.broadcast(0, 'room:1', 'said', { id: 1 })
  await until(() => heard.length === 1, 'the broadcast')
  channel.leave()
  await until(() => server.frames(0).length === 4, 'the leave')

  const { socket, seen, invalid } = speaking(server.url, phoenix({ params: () => ({ name: 'ada' }) }))
  const undo = socket.subscribe('room:1', (data) => seen.push(data))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  await expect(socket.publish('room:1', { event: 'echo', payload: { text: 'hi' } })).resolves.toMatchObject({
    data: { text: 'hi' },
  })
  server.broadcast(1, 'room:1', 'said', { id: 1 })
  await until(() => seen.length === 1, 'the broadcast')
  undo()
  await until(() => server.frames(1).length === 3, 'the leave')
  const [join, push, heartbeat, leave] = renamed(server.frames(0)) as [Frame, Frame, Frame, Frame]
  expect(renamed(server.frames(1)).map(([, , ...rest]) => rest)).toEqual(
    [join, push, leave].map(([, , ...rest]) => rest),
  )
  expect(renamed(server.frames(1)).slice(0, 2)).toEqual([join, push])
  expect(seen).toEqual([{ event: 'said', payload: heard[0] }])
  expect([heartbeat.slice(2), invalid]).toEqual([['phoenix', 'heartbeat', {}], []])
  const bare = speaking(server.url, phoenix())
  bare.socket.connect()
  await until(() => bare.socket.store.getState().status === 'live', 'live without a channel')
  expect(renamed(server.frames(2))).toEqual([[null, 'r0', ...heartbeat.slice(2)]])
})

it('joins every channel on the new leg before the cutover, waits for the reply to phx_leave on the old one, and loses and repeats nothing', async () => {
  const server = await endpoint()
  const { socket, seen } = speaking(server.url, phoenix({ identity: idOf }))
    .follow('room:1')
    .follow('room:2')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const cutover: number[] = []
  socket.on('cutover', () => cutover.push(server.joined[1]!))
  server.broadcast(0, 'room:1', 'said', { id: 1 })
  server.broadcast(0, 'room:1', 'reconnect', { deadline: 9_000 })
  await until(() => cutover.length === 1, 'the cutover')
  for (const leg of [1, 0]) server.broadcast(leg, 'room:1', 'said', { id: 2 })
  server.broadcast(1, 'room:2', 'said', { id: 3 })
  await until(() => socket.stats().handovers === 1 && seen.length === 3, 'the handover')
  expect(seen.map((data) => (data as { payload: { id: number } }).payload.id)).toEqual([1, 2, 3])
  expect(cutover).toEqual([2])
  expect(
    server
      .frames(0)
      .slice(-2)
      .map((frame) => frame.slice(2)),
  ).toEqual([
    ['room:1', 'phx_leave', {}],
    ['room:2', 'phx_leave', {}],
  ])
})

/**
 * A channel whose messages wait in a queue, while the connection answers heartbeats at once. The name of a message is
 * its `id`.
 */
async function slowChannel(behind: number) {
  const said: number[] = []
  const queue = (leg: number, act: () => void) => (leg === 0 ? setTimeout(act, behind) : act())
  const server = await scripted((text, socket, leg) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text) as Frame
    const reply = (response: unknown = {}) =>
      socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response }]))
    if (topic === 'phoenix' || event === 'phx_join') reply(event === 'phx_join' ? { state: leg } : {})
    else if (event === 'phx_leave')
      queue(leg, () => (reply(), socket.send(JSON.stringify([joinRef, ref, topic, 'phx_close', {}]))))
    else {
      said.push((payload as { n: number }).n)
      if (event === 'ask') setTimeout(reply, 1_200)
    }
  })
  const tell = (event: string, payload: unknown) =>
    server.legs.forEach(({ socket }, leg) =>
      queue(leg, () => socket.send(JSON.stringify([null, null, 'room:1', event, payload]))),
    )
  return { ...server, said, tell }
}

it('loses nothing of a slow channel whose messages a heartbeat reply overtakes', async () => {
  const server = await slowChannel(100)
  const { socket, seen } = speaking(server.url, phoenix({ identity: idOf })).follow('room:1')
  const errors: unknown[] = []
  socket.on('error', ({ error }) => errors.push(error.message))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  let id = 0
  const timer = setInterval(() => server.tell('said', { id: ++id }), 5)
  onTestFinished(() => clearInterval(timer))
  await until(() => seen.length > 10, 'messages')
  server.tell('reconnect', { deadline: 9_000 })
  await until(() => socket.stats().handovers === 1, 'the handover')
  const last = id
  const ids = () => seen.flatMap((data) => (data as { payload: { id?: number } }).payload.id ?? [])
  await until(() => ids().at(-1)! >= last, 'the last one')
  expect(ids()).toEqual(ids().map((_, at) => ids()[0]! + at))
  expect([socket.stats().gaps, errors]).toEqual([0, []])
})

it('without identities it reports one gap in a planned handover instead of promising anything', async () => {
  const server = await slowChannel(0)
  const { socket, seen } = speaking(server.url, phoenix()).follow('room:1')
  const gaps: unknown[] = []
  socket.on('gap', ({ topic, from, to }) => gaps.push([topic, from, to]))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (const title of ['a', 'b', 'c']) server.tell('updated', { id: 7, title })
  await until(() => seen.length === 4, 'the three, and what the join was answered')
  await socket.handover()
  expect([phoenix().merge, gaps]).toEqual(['none', [['room:1', null, null]]])
  expect(seen[0]).toEqual({ event: 'phx_join', payload: { state: 0 } })
})

it('sends a push once, even during handovers, and gets the reply of the node that it was sent to', async () => {
  const server = await slowChannel(0)
  const { socket } = speaking(server.url, phoenix({ identity: idOf })).follow('room:1')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const answer = socket.publish('room:1', { event: 'ask', payload: { n: 1 } })
  await until(() => server.said.length === 1, 'the push')
  await socket.handover()
  await expect(answer).resolves.toMatchObject({ id: expect.any(String) as string })
  expect(server.said).toEqual([1])
})

it('reports an unanswered push as outcome-unknown and keeps the leg, and settles at once a push that is declared to have no reply', async () => {
  const server = await slowChannel(0)
  const { socket } = speaking(server.url, phoenix(), { outbox: { ackTimeout: 100 } }).follow('room:1')
  socket.connect()
  await socket.publish('room:1', { event: 'noreply', payload: { n: 1 }, reply: false })
  await expect(socket.publish('room:1', { event: 'noreply', payload: { n: 2 } })).rejects.toMatchObject({
    code: 'outcome-unknown',
  })
  expect([server.said, server.legs.length, socket.store.getState().handover]).toEqual([[1, 2], 1, null])
})

it('reports a push as outcome-unknown when its leg is lost, and does not send it to another node', async () => {
  const server = await slowChannel(0)
  const { socket } = speaking(server.url, phoenix(), { reconnect: { spread: 0 } }).follow('room:1')
  socket.connect()
  const answer = socket.publish('room:1', { event: 'noreply', payload: { n: 1 } })
  const outcome = expect(answer).rejects.toMatchObject({ code: 'outcome-unknown' })
  await until(() => server.said.length === 1, 'the push')
  server.legs[0]!.socket.terminate()
  await outcome
  await until(() => socket.stats().reconnects === 1, 'the next leg')
  expect(server.said).toEqual([1])
})

it('is live with the channels that have answered, and reports the one that has not', async () => {
  const server = await scripted((text, socket) => {
    const [joinRef, ref, topic, event] = JSON.parse(text) as Frame
    if (event !== 'phx_join' || topic !== 'slow')
      socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]))
  })
  for (const topics of [['room:1', 'slow'], ['slow']]) {
    const { socket } = speaking(server.url, phoenix(), { connectTimeout: 300 })
    const errors: unknown[] = []
    socket.on('error', ({ error }) => errors.push([error.code, error.topic]))
    for (const topic of topics) socket.subscribe(topic, () => undefined)
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    expect(errors).toEqual([['timeout', 'slow']])
  }
  expect(server.legs).toHaveLength(2)
})

it('does not report a channel that the server closes on the old leg of a handover: the new leg carries it', async () => {
  const server = await endpoint()
  const { socket, seen } = speaking(server.url, phoenix({ identity: idOf })).follow('room:1')
  const errors: unknown[] = []
  socket.on('error', ({ error }) => errors.push(error.message))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.broadcast(0, 'room:1', 'reconnect', { deadline: 9_000 })
  server.broadcast(0, 'room:1', 'phx_close', {}, server.frames(0)[0]![0])
  await until(() => socket.stats().handovers === 1, 'the handover')
  server.broadcast(1, 'room:1', 'said', { id: 1 })
  await until(() => seen.length === 1, 'the message')
  expect(errors).toEqual([])
})

it('reports a binary frame that it cannot read, and sends the token where Phoenix expects it', async () => {
  const server = await endpoint()
  const { socket, invalid } = speaking(`${server.url}socket/websocket`, phoenix(), {
    getToken: async () => 's3cret/=',
  }).follow('room:1')
  const paths: unknown[] = []
  socket.on('leg-open', ({ url }) => paths.push(url))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.legs[0]!.socket.send(Buffer.from([2, 1, 1]))
  await until(() => invalid.length === 1, 'the frame')
  expect(invalid).toEqual([expect.stringContaining('binary frame')])
  expect(server.requests).toEqual(['/socket/websocket?vsn=2.0.0&token=s3cret%2F%3D'])
  expect(
    phoenix({ authToken: true }).dial!({ url: 'wss://h/socket/websocket?vsn=2.0.0', subprotocols: [] }, 'abc'),
  ).toEqual({ url: 'wss://h/socket/websocket?vsn=2.0.0', subprotocols: ['phoenix', 'base64url.bearer.phx.YWJj'] })
})

it('reports a channel that refuses its join or is closed (phx_close), rejoins one that crashed (phx_error), and drops frames of an earlier join', async () => {
  const server = await endpoint()
  const { socket, seen } = speaking(server.url, phoenix()).follow('room:1').follow('secret')
  const refused: string[] = []
  socket.on('error', ({ error }) => refused.push(error.message))
  socket.connect()
  await until(() => refused.length === 1 && socket.store.getState().status === 'live', 'live')
  const [first] = server.frames(0)
  server.broadcast(0, 'room:1', 'phx_error', {}, first![0])
  await until(() => server.frames(0).length === 3, 'joined anew')
  server.broadcast(0, 'room:1', 'said', { id: 'late' }, first![0])
  server.broadcast(0, 'room:1', 'said', { id: 'now' })
  await until(() => seen.length === 1, 'the message')
  server.broadcast(0, 'room:1', 'phx_close', {}, server.frames(0)[2]![0])
  await until(() => refused.length === 2, 'the close')
  expect(refused).toEqual([expect.stringContaining('unauthorized'), expect.stringContaining('closed the channel')])
  expect(seen).toEqual([{ event: 'said', payload: { id: 'now' } }])
})

it('joins after a break with the identity of the last message, and delivers what the channel sends again only once', async () => {
  const server = await endpoint()
  const { socket, seen } = speaking(
    server.url,
    phoenix({ identity: idOf, params: (_topic, last) => (last === undefined ? {} : { after: last }) }),
    { reconnect: { spread: 0 } },
  ).follow('room:1')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (const id of [1, 2]) server.broadcast(0, 'room:1', 'said', { id })
  await until(() => seen.length === 2, 'the first two')
  server.legs[0]!.socket.terminate()
  await until(() => server.legs.length === 2 && socket.store.getState().status === 'live', 'live again')
  for (const id of [2, 3]) server.broadcast(1, 'room:1', 'said', { id })
  await until(() => seen.length === 3, 'the third')
  expect([0, 1].map((leg) => server.frames(leg)[0]!.slice(2))).toEqual([
    ['room:1', 'phx_join', {}],
    ['room:1', 'phx_join', { after: '2' }],
  ])
  expect(seen.map((data) => (data as { payload: { id: number } }).payload.id)).toEqual([1, 2, 3])
})

it('answers a push with the channel’s reply, also if that is an error', async () => {
  const server = await endpoint()
  const { socket } = speaking(server.url, phoenix()).follow('room:1')
  socket.connect()
  await expect(socket.publish('room:1', { event: 'fail', payload: {} })).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('"no"') as string,
  })
  await expect(socket.publish('room:1', 'no event')).rejects.toMatchObject({ code: 'refused' })
})

it('reports a channel that crashes again before it has been rejoined', () => {
  const codec = openCodec(phoenix())
  const [join] = codec.encode({
    type: 'hello',
    session: 's',
    leg: 1,
    topics: new Map([['room:1', null]]),
  } as never) as string[]
  const crash = (of: string) =>
    codec.decode(JSON.stringify([(JSON.parse(of) as Frame)[0], null, 'room:1', 'phx_error', {}]))
  expect(crash(join!)).toEqual([])
  const [again] = codec.replies() as string[]
  expect(crash(again!)).toMatchObject([
    { type: 'error', code: 'forbidden', topic: 'room:1', message: expect.stringContaining('crashed') as string },
  ])
})

it('keeps both connections open for three seconds, so that presence does not flap, and delays no message meanwhile', async () => {
  const server = await slowChannel(0)
  const { socket, seen } = speaking(server.url, preset({ identity: idOf })).follow('room:1')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const isLeft = () => server.legs[0]!.received.some((frame) => frame.includes('phx_leave'))
  const began = performance.now()
  const moved = socket.handover()
  await until(() => server.legs.length === 2 && server.legs[1]!.received.length > 0, 'both')
  let id = 0
  const timer = setInterval(() => {
    for (let left = 5; left > 0 && id < 1_200; left--) server.tell('said', { id: ++id })
  }, 2)
  onTestFinished(() => clearInterval(timer))
  await until(() => seen.length > 0, 'the first of them')
  expect(isLeft()).toBe(false)
  await until(isLeft, 'the old one is left')
  expect(performance.now() - began).toBeGreaterThanOrEqual(3_000)
  await moved
  await until(() => seen.length >= 1_200, 'all of them')
  expect(socket.stats().gaps).toBe(0)
})

it('notices by the server name in the reply to a join that a handover reached the old node again, and dials once more', async () => {
  const names = ['blue', 'blue', 'green']
  const server = await scripted((text, socket, leg) => {
    const [joinRef, ref, topic] = JSON.parse(text) as Frame
    socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: { server: names[leg] } }]))
  })
  const { socket } = speaking(server.url, phoenix()).follow('node')
  socket.connect()
  await until(() => socket.store.getState().leg?.server === 'blue', 'live')
  server.legs[0]!.socket.send(JSON.stringify([null, null, 'node', 'reconnect', { deadline: 9_000 }]))
  await until(() => socket.store.getState().leg?.server === 'green', 'the other node')
  expect(server.legs).toHaveLength(3)
})
