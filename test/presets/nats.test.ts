import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { headers, wsconnect } from '@nats-io/nats-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { nats, type NatsMessage } from '../../src/presets/nats.js'
import { natsFrames } from '../../src/presets/nats-frames.js'
import { openCodec } from '../kit/open-codec.js'
import { freePort } from '../kit/free-port.js'
import { until } from '../server/kit.js'
import { oneToLast, scripted, speaking } from './stage.js'

const installed = ['nats-server', '/usr/sbin/nats-server'].find((path) => spawnSync(path, ['--version']).status === 0)

describe('the frames of NATS', () => {
  const head = 'NATS/1.0\r\nNats-Msg-Id: mu77\r\n\r\n'
  const text = `INFO {"ldm":true}\r\nMSG a.b 1 5\r\nhe\r\no\r\nHMSG c 2 reply ${head.length} ${head.length + 2}\r\n${head}hi\r\nPING\r\n`

  it('are read wherever the stream is split', () => {
    const bytes = new TextEncoder().encode(text)
    for (let size = 1; size <= bytes.length; size++) {
      const split = natsFrames()
      const found = []
      for (let at = 0; at < bytes.length; at += size) found.push(...split(bytes.slice(at, at + size).buffer))
      expect(
        found.map(({ verb, subject, sid, reply, payload }) => [
          verb,
          subject,
          sid,
          reply,
          new TextDecoder().decode(payload),
        ]),
      ).toEqual([
        ['INFO', undefined, undefined, undefined, ''],
        ['MSG', 'a.b', '1', undefined, 'he\r\no'],
        ['HMSG', 'c', '2', 'reply', 'hi'],
        ['PING', undefined, undefined, undefined, ''],
      ])
      expect(found[2]!.headers.get('nats-msg-id')).toBe('mu77')
    }
  })

  it.each([
    'MSG a\r\n',
    'MSG a 1 x\r\n',
    'MSG a 1 99999999999\r\n',
    'HMSG a 1 5 -7\r\n',
    'INFO {\r\n',
    `INFO ${'x'.repeat(70_000)}`,
  ])('are refused if malformed: %.12s', (wrong) => {
    expect(() => natsFrames()(wrong)).toThrow()
  })
})

it('reads nothing more from a stream with a malformed frame: the boundaries of later frames are unknown', () => {
  const split = natsFrames()
  expect(() => split('MSG a 1 x\r\n')).toThrow('cannot be read')
  expect(() => split('PING\r\n')).toThrow('cannot be read')
})

it('reports an invalid subject, and serves the others', async () => {
  const server = await scripted(
    (frame, socket) => frame.startsWith('PING') && socket.send(Buffer.from('PONG\r\n')),
    (socket) => socket.send(Buffer.from('INFO {"server_id":"N1"}\r\n')),
  )
  const { socket, seen, invalid } = speaking(server.url, nats()).follow('a b').follow('news').follow('c\td')
  const refused: unknown[] = []
  socket.on('error', ({ error }) => refused.push(error.topic))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.legs[0]!.socket.send(Buffer.from('MSG news 1 2\r\nhi\r\n'))
  await until(() => seen.length === 1, 'the message')
  expect([refused, invalid]).toEqual([['a b', 'c\td'], []])
})

it('drops late messages of a subscription that has ended', async () => {
  const codec = openCodec(nats())
  codec.encode({ type: 'hello', session: 's', leg: 1, topics: new Map([['news', null]]) } as never)
  expect(codec.encode({ type: 'unsubscribe', topics: ['news'] })).toEqual(['UNSUB 1\r\n'])
  codec.encode({ type: 'subscribe', id: '1', topics: new Map([['news', null]]) })
  const bytes = (text: string) => new TextEncoder().encode(text).buffer
  expect(codec.decode(bytes('MSG news 1 4\r\nlate\r\n'))).toEqual([])
  expect(codec.decode(bytes('MSG news 2 3\r\nnow\r\n'))).toMatchObject([{ type: 'message', data: { payload: 'now' } }])
})

it('answers the server’s pings, and refuses a subject that would inject a command', async () => {
  const server = await scripted(
    (frame, socket) => frame.startsWith('PING') && socket.send(Buffer.from('PONG\r\n')),
    (socket) => socket.send(Buffer.from('INFO {"server_id":"N1"}\r\nPING\r\n')),
  )
  const { socket, seen } = speaking(server.url, nats({ connect: { user: 'ada' } })).follow('news.*')
  socket.connect()
  await until(() => socket.store.getState().leg?.server === 'N1', 'live')
  await socket.publish('out', { a: 1 })
  await expect(socket.publish('out\r\nSUB', 1)).rejects.toMatchObject({ code: 'refused' })
  server.legs[0]!.socket.send(Buffer.from('MSG news.x 1 2\r\nhi\r\n'))
  await until(() => seen.length === 1, 'the message')
  expect(seen).toEqual([{ subject: 'news.x', reply: undefined, headers: new Map(), payload: 'hi' }])
  const [connect, ...rest] = server.legs[0]!.received
  expect(JSON.parse(connect!.slice('CONNECT '.length))).toMatchObject({ verbose: false, user: 'ada', headers: true })
  expect(rest).toEqual(
    ['SUB news.* 1\r\n', 'PING\r\n', 'PONG\r\n', 'PUB out 7\r\n{"a":1}\r\n'].sort(
      (a, b) => rest.indexOf(a) - rest.indexOf(b),
    ),
  )
})

it('fetches a new token if the server refuses one, and reports every other error of the server', async () => {
  const server = await scripted(
    (frame, socket) => {
      if (frame.includes('"old"'))
        socket.send(Buffer.from("-ERR 'Authorization Violation'\r\n"), () => socket.terminate())
      else if (frame.includes('PING'))
        socket.send(Buffer.from("PONG\r\n-ERR 'Unknown Protocol Operation'\r\nMSG news 1 2\r\nhi\r\n"))
    },
    (socket) => socket.send(Buffer.from('INFO {"server_id":"N1"}\r\n')),
  )
  let asked = 0
  const { socket, seen, invalid } = speaking(server.url, nats(), {
    getToken: async () => (++asked === 1 ? 'old' : 'good'),
  }).follow('news')
  socket.connect()
  await until(() => seen.length === 1, 'the message')
  expect([asked, server.legs.length, invalid]).toEqual([2, 2, ['the server said: Unknown Protocol Operation']])
})

it('spreads its handover over the time for which a server in lame duck mode serves', () => {
  const codec = openCodec(nats({ grace: 3_000 }))
  expect(codec.decode(new TextEncoder().encode('INFO {"ldm":true}\r\n').buffer)).toMatchObject([
    { type: 'handover', spread: 3_000, deadline: 3_000 },
  ])
})

/** Two nats-servers in a cluster. Their ports are chosen first, because their routes must know each other. */
async function cluster() {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-nats-'))
  const ports = await Promise.all(Array.from({ length: 6 }, freePort))
  const started: ChildProcess[] = []
  onTestFinished(() => {
    for (const child of started) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const nodes = await Promise.all(
    [0, 1].map(async (node) => {
      const [port, ws, route] = ports.slice(3 * node, 3 * node + 3) as [number, number, number]
      const other = ports[3 * (1 - node) + 2]!
      const config = join(folder, `${node}.conf`)
      writeFileSync(
        config,
        `port: ${port}\nhost: 127.0.0.1\nserver_name: n${node}\nlame_duck_duration: "30s"\nlame_duck_grace_period: "2s"\nwebsocket { port: ${ws}, host: 127.0.0.1, no_tls: true }\ncluster { name: c, listen: "127.0.0.1:${route}", routes: ["nats://127.0.0.1:${other}"] }\n`,
      )
      const child = spawn(installed!, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
      started.push(child)
      let said = ''
      child.stderr!.on('data', (text: Buffer) => (said += String(text)))
      await until(() => said.includes('Server is ready') && said.includes('Route connection created'), 'nats-server')
      return { child, url: `ws://127.0.0.1:${ws}` }
    }),
  )
  return nodes
}

// Debian has it: apt-get install nats-server. If it is missing, test/kit/programs.ts says so.
it('loses, repeats and reorders nothing when nats-server goes into lame duck mode, at 1,000 messages a second', async () => {
  const [leaving, staying] = await cluster()
  let dials = 0
  const { socket, seen } = speaking(
    () => [leaving!, staying!][Math.min(dials++, 1)]!.url,
    nats({ grace: 2_000 }),
  ).follow('ticks.>')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const publisher = await wsconnect({
    servers: staying!.url,
    wsFactory: async (url: string | URL) => ({ socket: new WebSocket(url) as never, encrypted: false }),
  })
  onTestFinished(() => publisher.close())
  let sent = 0
  const timer = setInterval(() => {
    for (let due = 0; due < 5; due++) {
      const head = headers()
      head.set('Nats-Msg-Id', String(++sent))
      publisher.publish('ticks.a', String(sent), { headers: head })
    }
  }, 5)
  onTestFinished(() => clearInterval(timer))
  await until(() => seen.length > 100, 'messages')
  leaving!.child.kill('SIGUSR2')
  await until(() => socket.stats().handovers === 1, 'the handover')
  clearInterval(timer)
  await publisher.flush()
  const numbers = () => seen.map((message) => Number((message as NatsMessage).payload))
  await until(() => numbers().at(-1) === sent, 'the last message')
  expect(numbers()).toEqual(oneToLast(numbers()))
  expect([socket.stats().reconnects, dials]).toEqual([0, 2])
})
