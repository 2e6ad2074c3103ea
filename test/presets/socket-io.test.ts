import type { Server } from 'socket.io'
import { describe, expect, it } from 'vitest'
import { socketIo } from '../../src/presets/socket-io.js'
import { socketIoPackets, writePacket } from '../../src/presets/socket-io-packets.js'
import { until } from '../server/kit.js'
import { socketIoServer } from './socket-io-servers.js'
import { scripted, speaking } from './stage.js'

const OPEN = '0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
const cutAll = (io: Server) =>
  io
    .of('/')
    .sockets.forEach(({ conn }) => (conn.transport as unknown as { socket: { terminate(): void } }).socket.terminate())
const numbersIn = (seen: readonly unknown[]) => seen.map((args) => (args as number[])[0]!)

describe('the packets of Socket.IO', () => {
  it('are read with their binary parts, namespace and acknowledgement', () => {
    const read = socketIoPackets()
    const bytes = new Uint8Array([1, 2]).buffer
    expect(read('42["a",1]')).toMatchObject([{ kind: 2, namespace: '/', id: undefined, data: ['a', 1] }])
    expect(read('42/chat,7["a"]')).toMatchObject([{ kind: 2, namespace: '/chat', id: '7', data: ['a'] }])
    expect(read('44/chat,{"message":"no"}')).toMatchObject([{ kind: 4, namespace: '/chat', data: { message: 'no' } }])
    expect(read('451-["a",{"x":{"_placeholder":true,"num":0}}]')).toEqual([])
    expect(read('2')).toMatchObject([{ engine: '2', kind: null }])
    expect(read(bytes)).toMatchObject([{ kind: 2, data: ['a', { x: bytes }] }])
    expect(read('41/chat,')).toMatchObject([{ kind: 1, namespace: '/chat', data: undefined }])
  })

  it('are written so that reading them gives the same packet', () => {
    const bytes = new Uint8Array([1, 2]).buffer
    const read = socketIoPackets()
    const packets = writePacket(2, '/chat', '7', ['a', { x: bytes }, bytes]).flatMap((data) => read(data))
    expect(packets).toMatchObject([{ kind: 2, namespace: '/chat', id: '7', data: ['a', { x: bytes }, bytes] }])
  })

  it.each([
    ['a part of a buffer', new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
    ['a view', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
    ['a Buffer of Node', Buffer.from([2, 3])],
  ])('are written with %s as its exact bytes, like the official client', (_, bytes) => {
    const read = socketIoPackets()
    const [packet] = writePacket(3, '/', '7', [{ bytes }]).flatMap((data) => read(data))
    const [answer] = packet!.data as [{ bytes: ArrayBuffer }]
    expect([...new Uint8Array(answer.bytes)]).toEqual([2, 3])
  })

  it.each(['4', '4x', '42[', '459999-["a"]'])('are refused if malformed: %s', (wrong) => {
    expect(() => socketIoPackets()(wrong)).toThrow()
  })
})

it('resumes after a break if the server has kept the missed events, and reports a gap if it has not', async () => {
  const { io, url } = await socketIoServer()
  const { socket, seen } = speaking(url, socketIo(), { reconnect: { spread: 0 } }).follow('tick')
  const gaps: unknown[] = []
  socket.on('gap', ({ topic, from, to, reason }) => gaps.push({ topic, from, to, reason }))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  let sent = 0
  const emit = (count: number) => {
    for (let left = count; left > 0; left--) io.emit('tick', ++sent)
  }
  emit(5)
  await until(() => seen.length === 5, 'some')
  cutAll(io)
  await until(() => socket.store.getState().status === 'reconnecting', 'the break')
  emit(5)
  await until(() => seen.length === 10, 'what was missed')
  expect([numbersIn(seen), gaps]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], []])
  cutAll(io)
  await until(() => socket.store.getState().status === 'reconnecting', 'another break')
  // As a server that has been restarted.
  const { sessions } = io.of('/').adapter as unknown as { sessions: Map<string, unknown> }
  await until(() => sessions.size > 0, 'what the server has kept')
  sessions.clear()
  emit(5)
  await until(() => socket.store.getState().status === 'live', 'live again')
  emit(1)
  await until(() => numbersIn(seen).at(-1) === 16, 'what came after')
  expect(numbersIn(seen)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16])
  expect(gaps).toEqual([{ topic: 'tick', from: null, to: null, reason: 'lost' }])
})

it('reports a gap after a volatile event whose last argument is a text: the text looks like a packet id, and no server can resume from it', async () => {
  const { io, url } = await socketIoServer()
  const { socket, seen } = speaking(url, socketIo(), { reconnect: { spread: 0 } }).follow('tick')
  const gaps: unknown[] = []
  socket.on('gap', ({ topic, from, to, reason }) => gaps.push({ topic, from, to, reason }))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  io.emit('tick', 1)
  await until(() => seen.length === 1, 'one that is numbered')
  await until(() => {
    // Volatile events are dropped while the socket is busy.
    if (seen.length === 1) io.volatile.emit('tick', 'ada')
    return seen.length > 1
  }, 'one that is not')
  cutAll(io)
  await until(() => socket.store.getState().status === 'reconnecting', 'the break')
  io.emit('tick', 2)
  await until(() => socket.store.getState().status === 'live', 'live again')
  io.emit('tick', 3)
  await until(() => numbersIn(seen).at(-1) === 3, 'what came after')
  expect(numbersIn(seen)).not.toContain(2)
  expect(gaps).toEqual([{ topic: 'tick', from: null, to: null, reason: 'lost' }])
})

it('emits, gets the acknowledgement, and acknowledges events of the server', async () => {
  const asked: unknown[] = []
  const { io, url } = await socketIoServer({}, (socket) => {
    socket.on('double', (n: number, answer: (n: number) => void) => answer(2 * n))
    socket.on('both', (a: unknown, b: unknown, answer: (said: unknown) => void) => answer([a, b]))
    socket.on('bytes', (bytes: Buffer, answer: (said: unknown) => void) => answer(Buffer.concat([bytes, bytes])))
    socket.on('told', (n: number) => asked.push(n))
  })
  const protocol = socketIo({ send: (event) => event === 'told', acknowledge: (_event, [n]) => [-(n as number)] })
  const { socket, seen } = speaking(url, protocol).follow('question')
  socket.connect()
  await expect(socket.publish('double', 21)).resolves.toMatchObject({ data: 42 })
  await expect(socket.publish('both', [1, [2]])).resolves.toMatchObject({ data: [1, [2]] })
  const { data } = await socket.publish('bytes', new Uint8Array([7]))
  expect(new Uint8Array(data as ArrayBuffer)).toEqual(new Uint8Array([7, 7]))
  await socket.publish('told', 3)
  await until(() => asked.length === 1, 'what was told')
  expect(await io.timeout(2_000).emitWithAck('question', 5)).toEqual([-5])
  expect(seen).toEqual([[5]])
})

it('delivers every event with an acknowledgement, even if its text is the same: such events have no packet id', async () => {
  const { io, url } = await socketIoServer()
  const { socket, seen } = speaking(url, socketIo({ acknowledge: () => ['yes'] })).follow('question')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (let at = 1; at <= 3; at++) {
    io.timeout(2_000).emit('question', 'ready?', () => {})
    await until(() => seen.length === at, 'it is told')
    await socket.handover()
  }
  expect(seen).toEqual([['ready?'], ['ready?'], ['ready?']])
})

it('is live once it is in its rooms, reports a room that it may not enter, and leaves them', async () => {
  const { io, url } = await socketIoServer()
  const protocol = socketIo({
    join: (topic) => ['join', topic],
    leave: (topic) => ['leave', topic],
    topic: (_event, [room]) => String(room),
  })
  const { socket, seen } = speaking(url, protocol).follow('red').follow('secret')
  const refused: unknown[] = []
  socket.on('error', ({ error }) => refused.push(error.topic))
  const stop = socket.subscribe('blue', (data) => seen.push(data))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (const room of ['red', 'blue']) io.to(room).emit('news', room)
  await until(() => seen.length === 2, 'both')
  expect([seen.map((args) => (args as string[])[0]), refused]).toEqual([['red', 'blue'], ['secret']])
  stop()
  await until(() => !io.of('/').adapter.rooms.has('blue'), 'out of the room')
})

it('sends the token in the handshake of each connection, and fetches a new one if the middleware refuses it', async () => {
  const shown: unknown[] = []
  const { io, url } = await socketIoServer()
  io.of('/chat').use((socket, next) => {
    shown.push(socket.handshake.auth['token'])
    next(socket.handshake.auth['token'] === 'good' ? undefined : new Error('not authorized'))
  })
  let asked = 0
  const { socket, seen } = speaking(url, socketIo({ namespace: '/chat' }), {
    getToken: async () => (++asked === 1 ? 'old' : 'good'),
  }).follow('news')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live with the new one')
  io.of('/chat').emit('news', 1)
  await until(() => seen.length === 1, 'the news')
  expect([shown, asked]).toEqual([['old', 'good'], 2])
})

it('reports why it is not live if the server does not have the namespace', async () => {
  const { url } = await socketIoServer()
  const { socket, invalid } = speaking(url, socketIo({ namespace: '/none' }))
  socket.connect()
  await until(() => invalid.length > 0, 'the reason')
  expect(invalid).toEqual(['the server refused the namespace: Invalid namespace'])
})

it('stays disconnected after the server has disconnected it, like the official client', async () => {
  const { io, url } = await socketIoServer()
  const { socket } = speaking(url, socketIo())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  io.disconnectSockets()
  await until(() => socket.store.getState().status === 'closed', 'closed')
  expect(socket.store.getState().closed).toMatchObject({
    by: 'forbidden',
    reason: 'the server disconnected this socket',
  })
})

it('its pings need no code on the server, even if the server accepts namespaces of any name', async () => {
  const { io, url } = await socketIoServer()
  io.of(/.*/)
  const { socket } = speaking(url, socketIo(), { heartbeat: { interval: 20, timeout: 10_000 } })
  let pongs = 0
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  io.of('/livesocket').on('connection', () => pongs++)
  await until(() => pongs >= 3, 'three answers')
  expect(socket.stats()).toMatchObject({ handovers: 0, reconnects: 0 })
})

it('closes its leg when the server calls io.close(), and dials the next server', async () => {
  const servers = [await socketIoServer(), await socketIoServer()]
  let dials = 0
  const { socket } = speaking(() => servers[dials++]!.url, socketIo(), { reconnect: { spread: 0 } })
  const closed: unknown[] = []
  socket.on('leg-closed', ({ code, by }) => closed.push([code, by]))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  await servers[0]!.io.close()
  await until(() => socket.store.getState().status === 'live' && dials === 2, 'live on the next one')
  expect(closed).toEqual([[1005, 'server']])
})

it('answers pings of a scripted server, and reports malformed packets as invalid', async () => {
  const server = await scripted(
    (frame, socket) => {
      if (frame === '40{}') socket.send('40{"sid":"s"}')
    },
    (socket) => socket.send(OPEN),
  )
  const { socket, invalid } = speaking(server.url, socketIo())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.legs[0]!.socket.send('2')
  server.legs[0]!.socket.send('42{')
  await until(() => invalid.length === 1 && server.legs[0]!.received.includes('3'), 'the pong')
  expect(server.requests[0]).toBe('/?EIO=4&transport=websocket')
})
