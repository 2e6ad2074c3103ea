import { Socket } from 'phoenix'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { phoenix } from '../../src/presets/phoenix.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

type Frame = [string | null, string | null, string, string, unknown]

/** A server of serializer 2.0.0, as both clients take it. */
async function endpoint() {
  const joined: number[] = []
  const server = await scripted((text, socket, leg) => {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text) as Frame
    const reply = (status: string, response: unknown) => socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status, response }]))
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
  return { ...server, frames, joined, broadcast: (leg: number, topic: string, event: string, payload: unknown, joinRef: string | null = null) => server.legs[leg]!.socket.send(JSON.stringify([joinRef, null, topic, event, payload])) }
}

/** References are any that a client likes: what counts is which are the same. */
function renamed(frames: Frame[]): Frame[] {
  const names = new Map<string, string>()
  const name = (ref: string | null) => {
    if (ref === null) return null
    if (!names.has(ref)) names.set(ref, `r${names.size}`)
    return names.get(ref)!
  }
  return frames.map(([joinRef, ref, ...rest]) => [name(joinRef), name(ref), ...rest])
}

it('says what the phoenix client of npm says, frame by frame: join, push, heartbeat, leave', async () => {
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
  await expect(socket.publish('room:1', { event: 'echo', payload: { text: 'hi' } })).resolves.toMatchObject({ data: { text: 'hi' } })
  server.broadcast(1, 'room:1', 'said', { id: 1 })
  await until(() => seen.length === 1, 'the broadcast')
  undo()
  await until(() => server.frames(1).length === 3, 'the leave')
  const [join, push, heartbeat, leave] = renamed(server.frames(0)) as [Frame, Frame, Frame, Frame]
  expect(renamed(server.frames(1)).map(([, , ...rest]) => rest)).toEqual([join, push, leave].map(([, , ...rest]) => rest))
  expect(renamed(server.frames(1)).slice(0, 2)).toEqual([join, push])
  expect(seen).toEqual([{ event: 'said', payload: heard[0] }])
  expect([heartbeat.slice(2), invalid]).toEqual([['phoenix', 'heartbeat', {}], []])
  const bare = speaking(server.url, phoenix())
  bare.socket.connect()
  await until(() => bare.socket.store.getState().status === 'live', 'live without a channel')
  expect(renamed(server.frames(2))).toEqual([[null, 'r0', ...heartbeat.slice(2)]])
})

it('joins every channel on the new leg before it goes over, marks the end by a heartbeat, and loses and repeats nothing', async () => {
  const server = await endpoint()
  const { socket, seen } = speaking(server.url, phoenix()).follow('room:1').follow('room:2')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const cutover: number[] = []
  socket.on('cutover', () => cutover.push(server.joined[1]!))
  server.broadcast(0, 'room:1', 'said', { id: 1 })
  server.broadcast(0, 'room:1', 'reconnect', { deadline: 9_000 })
  await until(() => cutover.length === 1, 'the cutover')
  for (const leg of [1, 0]) server.broadcast(leg, 'room:1', 'said', { id: 2 })
  server.broadcast(1, 'room:2', 'said', { id: 3 })
  await until(() => socket.stats().handovers === 1 && seen.length === 3, 'the move')
  expect(seen.map((data) => (data as { payload: { id: number } }).payload.id)).toEqual([1, 2, 3])
  expect(cutover).toEqual([2])
  expect(server.frames(0).at(-1)!.slice(2)).toEqual(['phoenix', 'heartbeat', {}])
})

it('tells of a channel that refuses its join or is closed (phx_close), joins one that crashed (phx_error) anew, and takes nothing of an earlier join', async () => {
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

it('has a push answered by what the channel replied, also when it says no', async () => {
  const server = await endpoint()
  const { socket } = speaking(server.url, phoenix()).follow('room:1')
  socket.connect()
  await expect(socket.publish('room:1', { event: 'fail', payload: {} })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('"no"') as string })
  await expect(socket.publish('room:1', 'no event')).rejects.toMatchObject({ code: 'refused' })
})

it('tells of a channel that crashes again before it has been joined anew', () => {
  const codec = phoenix().open()
  const [join] = codec.encode({ type: 'hello', session: 's', leg: 1, topics: new Map([['room:1', null]]) } as never) as string[]
  const crash = (of: string) => codec.decode(JSON.stringify([(JSON.parse(of) as Frame)[0], null, 'room:1', 'phx_error', {}]))
  expect(crash(join!)).toEqual([])
  const [again] = codec.replies!() as string[]
  expect(crash(again!)).toMatchObject([{ type: 'error', code: 'forbidden', topic: 'room:1', message: expect.stringContaining('crashed') as string }])
})
