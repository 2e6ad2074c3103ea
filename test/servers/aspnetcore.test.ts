import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Outcome } from '../../bench/cluster/run-scenario.js'
import { conformance } from '../../src/cli/conformance.js'
import { openFrameClient, type FrameSocketClass } from '../../src/cli/frame-client.js'
import { exportScripts } from '../../src/server/redis/script-export.js'
import { builtDotnet } from '../kit/dotnet.js'
import { startRedisServer } from '../kit/redis-server.js'
import { ROOT } from '../kit/source-files.js'
import { startDotnet } from './dotnet-program.js'

const Class = WebSocket as unknown as FrameSocketClass
const TOKEN = 'the right token'
const SECRET = 'a secret of this test alone'
const HIDDEN = 'hidden'
const RATE = 50

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

  it('keeps every rule that the conformance kit can try, in memory and on Redis', { timeout: 90_000 }, async () => {
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

  it('reads a frame whatever else is in it and however it is written, and serves from before the newest messages', async () => {
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

  it('tells who waits for a welcome that it is waited for, in the time that the hello has named', async () => {
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

  it('drains once another release answers at its public address for good, and takes it back after a swap back', async () => {
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

  it('shares a fleet with nodes of Node: a rolling deploy that swaps the two kinds is noticed by nobody', {
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
