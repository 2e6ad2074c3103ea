import {
  HttpTransportType,
  HubConnectionBuilder,
  JsonHubProtocol,
  LogLevel,
  MessageType,
  type HubMessage,
} from '@microsoft/signalr'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { signalR } from '../../src/presets/signal-r.js'
import { openCodec } from '../kit/open-codec.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

const END = '\u001e'

/**
 * A hub that reads and writes with the protocol classes of `@microsoft/signalr`. If they reject something, the test
 * fails.
 */
async function hub() {
  const json = new JsonHubProtocol()
  const quiet = { log: () => undefined }
  const calls: HubMessage[][] = []
  const server = await scripted((text, socket, leg) => {
    const [first, rest] = [text.slice(0, text.indexOf(END)), text.slice(text.indexOf(END) + 1)]
    calls[leg] ??= []
    const write = (message: HubMessage) => socket.send(json.writeMessage(message as never))
    const messages = calls[leg].length === 0 ? rest : text
    if (calls[leg].length === 0) {
      expect(JSON.parse(first)).toEqual({ protocol: 'json', version: 1 })
      calls[leg].push({ type: MessageType.Ping })
      // The answer to the handshake, and right behind it in the same piece a message.
      socket.send(`{}${END}${json.writeMessage({ type: MessageType.Ping })}`)
    }
    for (const message of messages === '' ? [] : json.parseMessages(messages, quiet)) {
      calls[leg].push(message)
      if (message.type !== MessageType.Invocation || message.invocationId === undefined) continue
      const { invocationId, target, arguments: args } = message
      if (target === 'Add') write({ type: MessageType.Completion, invocationId, result: args[0] + args[1] })
      else if (target === 'Join')
        write({
          type: MessageType.Completion,
          invocationId,
          ...(args[0] === 'secret' ? { error: 'not you' } : { result: null }),
        })
      else write({ type: MessageType.Completion, invocationId, error: `Unknown hub method '${target}'` })
    }
  })
  const invocations = (leg: number) =>
    calls[leg]!.flatMap((message) =>
      message.type === MessageType.Invocation ? [[message.target, message.arguments]] : [],
    )
  return {
    ...server,
    calls,
    invocations,
    send: (leg: number, message: HubMessage) => server.legs[leg]!.socket.send(json.writeMessage(message as never)),
  }
}

const say = (id: number): HubMessage => ({ type: MessageType.Invocation, target: 'said', arguments: [{ id }, 'more'] })

it('talks to a hub as the @microsoft/signalr client does: handshake, invocation, completion, ping', async () => {
  const server = await hub()
  const theirs = new HubConnectionBuilder()
    .withUrl(server.url.replace('ws', 'http'), {
      transport: HttpTransportType.WebSockets,
      skipNegotiation: true,
      ...{ WebSocket },
    })
    .configureLogging(LogLevel.None)
    .build()
  onTestFinished(() => theirs.stop())
  const heard: unknown[] = []
  theirs.on('said', (...args) => heard.push(args))
  await theirs.start()
  expect(await theirs.invoke('Add', 1, 2)).toBe(3)
  await expect(theirs.invoke('Nothing')).rejects.toThrow('Unknown hub method')
  server.send(0, say(1))
  await until(() => heard.length === 1, 'their message')

  const { socket, seen, invalid } = speaking(server.url, signalR()).follow('said')
  socket.connect()
  await expect(socket.publish('Add', [1, 2])).resolves.toMatchObject({ data: 3 })
  await expect(socket.publish('Nothing', [])).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('Unknown hub method') as string,
  })
  server.send(1, say(1))
  await until(() => seen.length === 1, 'our message')
  expect(seen).toEqual(heard)
  expect(server.invocations(1).slice(-2)).toEqual(server.invocations(0))
  // A hub that asks its client for a result waits until it has one.
  const results = (leg: number) => server.calls[leg]!.filter(({ type }) => type === MessageType.Completion)
  for (const leg of [0, 1]) {
    server.send(leg, { type: MessageType.Invocation, target: 'asked', arguments: [], invocationId: '7' })
    await until(() => results(leg).length === 1, 'the answer')
  }
  expect(results(1)).toEqual(results(0))
  expect(invalid).toEqual([])
})

it('joins on the new leg before the cutover, waits for an answered call on the old one, and loses and repeats nothing', async () => {
  const server = await hub()
  const { socket, seen } = speaking(
    server.url,
    signalR({
      identity: ([first]) => String((first as { id: number }).id),
      join: (topic) => (topic === 'said' || topic === 'secret' ? { target: 'Join', arguments: [topic] } : null),
    }),
  )
    .follow('said')
    .follow('secret')
  const refused: unknown[] = []
  socket.on('error', ({ error }) => refused.push(error.topic))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  let joined = 0
  socket.on('cutover', () => (joined = server.invocations(1).length))
  server.send(0, say(1))
  server.send(0, { type: MessageType.Invocation, target: 'reconnect', arguments: [{ deadline: 9_000 }] })
  await until(() => joined > 0, 'the cutover')
  for (const leg of [1, 0]) server.send(leg, say(2))
  server.send(1, say(3))
  await until(() => socket.stats().handovers === 1 && seen.length === 3, 'the handover')
  expect(seen.map((args) => (args as [{ id: number }])[0].id)).toEqual([1, 2, 3])
  expect([joined, refused]).toEqual([2, ['secret', 'secret']])
})

it('asks the hub after a break for everything after the last message, and delivers repeated messages only once', async () => {
  const server = await hub()
  const { socket, seen } = speaking(
    server.url,
    signalR({
      identity: ([first]) => String((first as { id: number }).id),
      join: (topic, last) => ({ target: 'Join', arguments: [topic, last ?? null] }),
    }),
    { reconnect: { spread: 0 } },
  ).follow('said')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (const id of [1, 2]) server.send(0, say(id))
  await until(() => seen.length === 2, 'the first two')
  server.legs[0]!.socket.terminate()
  await until(() => server.legs.length === 2 && socket.store.getState().status === 'live', 'live again')
  for (const id of [2, 3]) server.send(1, say(id))
  await until(() => seen.length === 3, 'the third')
  expect([server.invocations(0), server.invocations(1)]).toEqual([
    [['Join', ['said', null]]],
    [['Join', ['said', '2']]],
  ])
  expect(seen.map((args) => (args as [{ id: number }])[0].id)).toEqual([1, 2, 3])
})

it('delivers everything that one connection brings about the same thing, puts the token into the URL, and settles at once what needs no answer', async () => {
  const server = await hub()
  const { socket, seen } = speaking(server.url, signalR({ send: (method) => method === 'Tell' }), {
    getToken: async () => 'a+b',
  }).follow('said')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (let count = 0; count < 3; count++) server.send(0, say(7))
  await until(() => seen.length === 3, 'all of them')
  await socket.publish('Tell', ['x'])
  await until(() => server.invocations(0).length === 1, 'the call')
  expect([signalR().merge, server.requests, server.calls[0]!.at(-1)]).toEqual([
    'none',
    ['/?access_token=a%2Bb'],
    { type: MessageType.Invocation, target: 'Tell', arguments: ['x'] },
  ])
})

it('is live even if a join is not answered, and reports it', async () => {
  const codec = openCodec(signalR({ join: (topic) => ({ target: 'Join', arguments: [topic] }) }))
  const hello = {
    type: 'hello',
    session: 's',
    leg: 1,
    topics: new Map([
      ['a', null],
      ['slow', null],
    ]),
  } as never
  codec.encode(hello)
  codec.written!(hello)
  codec.decode(`{}${END}`)
  const [first] = codec.replies() as string[]
  expect(
    codec.decode(
      JSON.stringify({
        type: 3,
        invocationId: (JSON.parse(first!.slice(0, -1)) as { invocationId: string }).invocationId,
      }) + END,
    ),
  ).toEqual([])
  await codec.clock.advance(5_000)
  expect(codec.told()).toMatchObject([{ code: 'timeout', topic: 'slow' }, { type: 'welcome' }])
})

it('reports why the hub refused the handshake or closed the connection', () => {
  const codec = openCodec(signalR())
  codec.encode({ type: 'hello', session: 's', leg: 1, topics: new Map() } as never)
  expect(codec.decode(`{"error":"no such protocol"}${END}`)).toEqual([
    { invalid: 'the hub refused the handshake: no such protocol' },
  ])
  codec.decode(`{}${END}`)
  expect(codec.decode(`{"type":7,"error":"overloaded"}${END}`)).toEqual([
    { invalid: 'the hub closes the connection: overloaded' },
  ])
})

it('hands over when the hub closes with allowReconnect (type 7), and stays closed when it closes without', async () => {
  const server = await hub()
  const { socket, asked } = speaking(server.url, signalR())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.send(0, { type: MessageType.Close, allowReconnect: true })
  await until(() => socket.stats().handovers === 1, 'the handover')
  expect(asked[0]!.reason).toBe('the server closes')
  server.send(1, { type: MessageType.Close })
  server.legs[1]!.socket.close(1000)
  await until(() => socket.store.getState().status === 'closed', 'closed')
  expect(server.legs).toHaveLength(2)
})

it('waits for the end of a record only up to a size limit', () => {
  const codec = openCodec(signalR())
  const piece = 'x'.repeat(1_048_576)
  for (let count = 0; count < 16; count++) expect(codec.decode(piece)).toEqual([])
  expect(codec.decode('x')).toMatchObject({ invalid: expect.any(String) as string })
})
