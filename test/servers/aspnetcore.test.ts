import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Outcome } from '../../bench/cluster/run-scenario.js'
import { conformance } from '../../src/cli/conformance.js'
import { openFrameClient, type FrameSocketClass } from '../../src/cli/frame-client.js'
import { createLiveSocket } from '../../src/index.js'
import { exportScripts } from '../../src/server/redis/script-export.js'
import { selfSigned } from '../kit/certificate.js'
import { builtDotnet } from '../kit/dotnet.js'
import { freePort } from '../kit/free-port.js'
import { startRedisServer } from '../kit/redis-server.js'
import { createRelay } from '../kit/relay.js'
import { ROOT } from '../kit/source-files.js'
import { until } from '../kit/wait.js'
import { startDotnet } from './dotnet-program.js'

const Class = WebSocket as unknown as FrameSocketClass
const TOKEN = 'the right token'
const SECRET = 'a secret of this test alone'
const HIDDEN = 'hidden'
const RATE = 50

/** A WebSocket in a connection of HTTP/2: its bytes as they come, and short texts to say. */
async function overHttp2(session: ClientHttp2Session) {
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':path': '/live',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'livesocket.v1',
  })
  let heard = ''
  stream.on('data', (bytes: Buffer) => (heard += bytes.toString('latin1')))
  stream.on('error', () => undefined)
  const [{ ':status': status }] = (await once(stream, 'response')) as [{ ':status': number }]
  expect(status).toBe(200)
  return {
    heard: () => heard,
    /** Under a mask of zeros. */
    send: (said: string) =>
      void stream.write(Buffer.from([0x81, 0x80 | said.length, 0, 0, 0, 0, ...Buffer.from(said)])),
  }
}

describe('the server in C#', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-csharp-'))
  const scripts = join(folder, 'redis-scripts.json')
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  let program = ''
  beforeAll(async () => {
    program = await builtDotnet('servers/aspnetcore')
    writeFileSync(scripts, JSON.stringify(exportScripts()))
  }, 120_000)

  async function findings(env: Record<string, string>, lose: (port: number) => Promise<unknown>) {
    const { port } = await startDotnet(program, {
      TOKEN,
      HIDDEN: JSON.stringify(HIDDEN),
      DRAIN_SECRET: SECRET,
      ...env,
    })
    return conformance({
      url: `ws://127.0.0.1:${port}/live`,
      WebSocket: Class,
      token: TOKEN,
      rate: RATE,
      hidden: HIDDEN,
      lose: async () => void (await lose(port)),
      drain: async (deadline) => {
        const { status } = await fetch(`http://127.0.0.1:${port}/drain`, {
          method: 'POST',
          headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
          body: JSON.stringify({ deadline, rate: RATE }),
        })
        expect(status).toBe(202)
      },
    })
  }

  it('keeps every rule that the conformance kit can test, in memory and on Redis', { timeout: 90_000 }, async () => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const all = await Promise.all([
      findings({}, (port) => fetch(`http://127.0.0.1:${port}/lose`, { method: 'POST' })),
      findings({ REDIS: `127.0.0.1:${redis.port}`, REDIS_SCRIPTS: scripts }, () => redis.command('FLUSHALL')),
    ])
    for (const found of all) {
      expect(found.filter(({ verdict }) => verdict !== 'holds')).toEqual([])
      expect(found.length).toBeGreaterThanOrEqual(37)
    }
  })

  it('reads frames with any field order and unknown fields, and serves the last messages before the newest', async () => {
    const { port } = await startDotnet(program, {})
    const dial = async () => {
      const client = await openFrameClient(`ws://127.0.0.1:${port}/live`, { WebSocket: Class, patience: 10_000 })
      onTestFinished(() => client.close())
      return client
    }
    const client = await dial()
    client.send('{"topics":{"$id":{"$ref":1}},"$type":"x","$id":"7","session":"s","leg":1.0e0,"type":"hello"}')
    expect(await client.next('welcome')).toMatchObject({ topics: { $id: { offset: 0, after: 0 } } })
    for (const [id, data] of Object.entries({
      a: '[1.0,-0]',
      b: 'null',
      c: `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
    })) {
      client.send(`{"id":"${id}","data":${data},"topic":"$id","$x":[],"type":"publish"}`)
      await client.next('ack')
    }
    const later = await dial()
    later.send({ type: 'hello', session: 't', leg: 1, topics: { $id: { last: 2 } } })
    expect(await later.next('welcome')).toMatchObject({ topics: { $id: { offset: 3, after: 1 } } })
    expect(await later.next('message')).toMatchObject({ offset: 2, data: null })
    for (const wrong of ['{"type":"unsubscribe","topics":[null]}', '{"type":"ping"', '{"id":"a"}', '[]']) {
      const one = await dial()
      one.send({ type: 'hello', session: wrong, leg: 1, topics: {} })
      await one.next('welcome')
      one.send(wrong)
      expect(await one.next('error')).toMatchObject({ code: 'protocol' })
    }
  })

  it('sends a pong before a late welcome, within the timeout that the hello named', async () => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const { port } = await startDotnet(program, { REDIS: `127.0.0.1:${redis.port}`, REDIS_SCRIPTS: scripts })
    const dial = () => openFrameClient(`ws://127.0.0.1:${port}/live`, { WebSocket: Class, patience: 10_000 })
    const hello = (session: string) => ({ type: 'hello', session, leg: 1, topics: {}, timeout: 500 })
    const first = await dial()
    onTestFinished(() => first.close())
    first.send(hello('s'))
    await first.next('welcome')
    expect(first.frames.map(({ type }) => type)).toEqual(['welcome'])
    await redis.command('CLIENT', 'PAUSE', '1000', 'ALL')
    const client = await dial()
    onTestFinished(() => client.close())
    client.send(hello('t'))
    await client.next('welcome')
    const types = client.frames.map(({ type }) => type)
    expect([types[0], types.at(-1)]).toEqual(['pong', 'welcome'])
  })

  it('asks a page that came over HTTP/2 to make a connection of its next leg, and serves it in full on the one that it has', async () => {
    const { key, cert } = await selfSigned()
    for (const [name, pem] of Object.entries({ key, cert })) writeFileSync(join(folder, `${name}.pem`), pem)
    const port = await freePort()
    await startDotnet(program, {
      DRAIN_SECRET: SECRET,
      Kestrel__Endpoints__Tls__Url: `https://localhost:${port}`,
      Kestrel__Certificates__Default__Path: join(folder, 'cert.pem'),
      Kestrel__Certificates__Default__KeyPath: join(folder, 'key.pem'),
    })
    const session = connectHttp2(`https://localhost:${port}`, { rejectUnauthorized: false })
    onTestFinished(() => session.destroy())
    await once(session, 'remoteSettings')
    let leaves = false
    session.on('goaway', () => (leaves = true))
    const leg = await overHttp2(session)
    leg.send('{"type":"hello","session":"s","leg":1,"topics":{"chat":{}}}')
    await until(() => leg.heard().includes('"type":"welcome"'), 10_000, 'the welcome')
    expect(leaves).toBe(false)
    const drain = session.request({ ':method': 'POST', ':path': '/drain', authorization: `Bearer ${SECRET}` })
    drain.end('{"deadline":20000}')
    const [{ ':status': status }] = (await once(drain, 'response')) as [{ ':status': number }]
    expect(status).toBe(202)
    await until(() => leaves && leg.heard().includes('"type":"handover"'), 10_000, 'both requests')
    leg.send('{"type":"publish","id":"a","topic":"chat","n":1,"data":"still here"}')
    await until(() => /"ack"/.test(leg.heard()) && /still here/.test(leg.heard()), 10_000, 'the publish')
  })

  describe('whose application asks another service', () => {
    /** The application's questions: `whose` a token is, and who may `read` and `write` what. Null: no answer. */
    type Answer = (what: string, about: string) => { status: number; said?: string } | null
    const dialTo = (port: number) => async (session: string, more: object) => {
      const client = await openFrameClient(`ws://127.0.0.1:${port}/live`, { WebSocket: Class, patience: 10_000 })
      onTestFinished(() => client.close())
      client.send({ type: 'hello', session, leg: 1, topics: {}, ...more })
      return client
    }

    async function asking(answer: Answer, env: Record<string, string> = {}) {
      const held: (() => void)[] = []
      const accounts = createServer(async (request, response) => {
        const about = await text(request)
        const reply = () => {
          const { status, said = '' } = answer(request.url!.slice(1), about) ?? { status: 500 }
          response.writeHead(status).end(said)
        }
        if (answer(request.url!.slice(1), about)) reply()
        else held.push(reply)
      })
      onTestFinished(() => void (accounts.close(), accounts.closeAllConnections()))
      accounts.listen(0, '127.0.0.1')
      await once(accounts, 'listening')
      const { port } = await startDotnet(program, {
        ACCOUNTS: `http://127.0.0.1:${(accounts.address() as AddressInfo).port}`,
        DRAIN_SECRET: SECRET,
        ...env,
      })
      return { port, held, dial: dialTo(port) }
    }

    it('also ends sessions that are being authenticated', async () => {
      let away = true
      const { port, held, dial } = await asking((what, about) =>
        what === 'whose' && away ? null : { status: 200, said: about },
      )
      const [ann, bob] = [await dial('a', { token: 'ann' }), await dial('b', { token: 'bob' })]
      await expect.poll(() => held.length, { timeout: 10_000 }).toBe(2)
      await fetch(`http://127.0.0.1:${port}/end?subject=ann`, { method: 'POST' })
      away = false
      for (const reply of held) reply()
      expect(await ann.next(['welcome', 'error'])).toMatchObject({ code: 'session-ended' })
      await bob.next('welcome')
    })

    it('serves topics that are allowed while others have no answer, and refuses for now those whose check failed', async () => {
      const { dial } = await asking((what, about) =>
        about === 'hung' ? null : { status: about === 'broken' ? 500 : about === 'secret' ? 403 : 200, said: 'ann' },
      )
      const client = await dial('s', { token: 't', topics: { broken: {}, secret: {}, open: {} } })
      expect(Object.keys((await client.next('welcome'))['topics'] as object)).toEqual(['open'])
      expect(client.of('error').map(({ topic, code, retryAfter }) => [topic, code, retryAfter])).toEqual([
        ['broken', 'busy', 1_000],
        ['secret', 'forbidden', undefined],
      ])
      client.send({ type: 'subscribe', id: '1', topics: { hung: {} } })
      client.send({ type: 'publish', id: 'p', topic: 'open', data: 1 })
      client.send({ type: 'publish', id: 'q', topic: 'broken', data: 1 })
      await client.next('ack')
      expect(await client.next('nack')).toMatchObject({ id: 'q', code: 'busy', retryAfter: 1_000 })
      client.send({ type: 'ping' })
      await client.next('pong')
      expect(client.of('subscribed')).toEqual([])
    })

    it('keeps a leg whose fresh token cannot be checked until the old one ends, and then closes it as busy', async () => {
      let status = 200
      let failed: () => void = () => undefined
      const fails = new Promise<void>((resolve) => void (failed = resolve))
      const whose = () => {
        if (status === 500) failed()
        return { status, said: 'ann' }
      }
      const { dial } = await asking((what) => (what === 'whose' ? whose() : { status: 200, said: 'ann' }), {
        TOKEN_TTL: '2500',
        TOKEN_GRACE: '0',
      })
      const [kept, late] = [await dial('s', { token: '1' }), await dial('t', { token: '1' })]
      for (const client of [kept, late]) await client.next('welcome')
      status = 500
      kept.send({ type: 'auth', token: '2' })
      kept.send({ type: 'ping' })
      await kept.next('pong')
      await fails
      status = 200
      expect(await kept.next('authed')).toMatchObject({ tokenTtl: 2_500 })
      status = 500
      late.send({ type: 'auth', token: '2' })
      expect(await late.next('error')).toMatchObject({ code: 'busy', retryAfter: 1_000 })
      status = 200
      kept.send({ type: 'auth', token: '3' })
      expect(await kept.next(['authed', 'error'])).toMatchObject({ type: 'authed' })
    })
  })

  it('reports a gap in a topic without history as soon as it is back at Redis, not only with the next message', async () => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const relay = createRelay({ target: { port: redis.port } })
    await relay.ready
    onTestFinished(() => relay.close())
    const nothing = join(folder, 'nothing-kept.json')
    writeFileSync(nothing, JSON.stringify(exportScripts({ history: { maxMessages: 0 } })))
    const [away, other] = await Promise.all(
      [relay.port, redis.port].map((port) =>
        startDotnet(program, { REDIS: `127.0.0.1:${port}`, REDIS_SCRIPTS: nothing }),
      ),
    )
    const told: unknown[] = []
    const reader = createLiveSocket<{ t: number }>({
      url: `ws://127.0.0.1:${away!.port}/live`,
      environment: { WebSocket },
    })
    const writer = createLiveSocket<{ t: number }>({
      url: `ws://127.0.0.1:${other!.port}/live`,
      environment: { WebSocket },
    })
    onTestFinished(() => (reader.close(), writer.close()))
    reader.subscribe('t', (data) => void told.push(data))
    reader.on('gap', ({ from, to }) => void told.push({ from, to }))
    reader.connect()
    writer.connect()
    await expect.poll(() => reader.store.getState().status, { timeout: 10_000 }).toBe('live')
    await writer.publish('t', 1)
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([1])
    relay.refuse(true)
    relay.cut()
    for (const data of [2, 3, 4]) await writer.publish('t', data)
    relay.refuse(false)
    await expect.poll(() => told, { timeout: 10_000 }).toEqual([1, { from: 2, to: 4 }])
  }, 30_000)

  it('tells every leg that was asked to hand over to stay, also where a drain is cancelled as it begins', async () => {
    const { port } = await startDotnet(program, { DRAIN_SECRET: SECRET })
    const client = await openFrameClient(`ws://127.0.0.1:${port}/live`, { WebSocket: Class, patience: 10_000 })
    onTestFinished(() => client.close())
    client.send({ type: 'hello', session: 's', leg: 1, topics: {} })
    await client.next('welcome')
    const order = (body: object) =>
      fetch(`http://127.0.0.1:${port}/drain`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    for (let at = 0; at < 100; at++) await Promise.all([order({}), order({ cancel: true })])
    await order({ cancel: true })
    client.send({ type: 'ping' })
    await client.next('pong')
    const ids = (type: string) => new Set(client.of(type).map(({ id }) => id))
    expect([...ids('handover')].filter((id) => !ids('handover-cancelled').has(id))).toEqual([])
  })

  it('drains once another release keeps answering at its public address, and cancels that after a swap back', async () => {
    let release = 'v1'
    const front = createServer((_request, response) => response.setHeader('LiveSocket-Release', release).end())
    onTestFinished(() => void front.close())
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const { port } = await startDotnet(program, {
      RELEASE: 'v1',
      PUBLIC_URL: `http://127.0.0.1:${(front.address() as AddressInfo).port}/healthz`,
      ASK_EVERY: '80',
    })
    const health = () => fetch(`http://127.0.0.1:${port}/healthz`)
    expect((await health()).headers.get('LiveSocket-Release')).toBe('v1')
    const client = await openFrameClient(`ws://127.0.0.1:${port}/live`, { WebSocket: Class, patience: 10_000 })
    onTestFinished(() => client.close())
    client.send({ type: 'hello', session: 's', leg: 1, topics: {} })
    await client.next('welcome')
    release = 'v2'
    expect(await client.next('handover')).toMatchObject({ reason: 'replaced' })
    expect((await health()).status).toBe(503)
    release = 'v1'
    await client.next('handover-cancelled')
    expect((await health()).status).toBe(200)
  })

  it('shares a fleet with Node servers: no client notices a rolling deploy that swaps the two kinds', {
    timeout: 120_000,
  }, async () => {
    const { stdout } = await promisify(execFile)(
      'node',
      [
        '--import',
        'tsx',
        'bench/cluster/main.ts',
        '--small',
        '--json',
        '--scenario',
        'mixed',
        '--clients',
        '40',
        '--shared',
        '20',
      ],
      { cwd: ROOT },
    ).catch((failed: { stdout: string; stderr: string }) => {
      throw new Error(failed.stdout + failed.stderr)
    })
    const outcome = JSON.parse(stdout) as Outcome
    expect(outcome).toMatchObject({ lost: 0, repeated: 0, reordered: 0, gaps: 0, notLive: 0, unknown: 0, broken: [] })
    expect(outcome.delivered).toBeGreaterThan(300)
  })
})
