import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { ROOT } from '../kit/source-files.js'
import { until } from '../server/kit.js'
import { oneToLast, speaking } from './stage.js'

export const EXAMPLES = join(ROOT, 'examples/servers')

/** An example in its own process, on a free port. */
export interface Running {
  readonly child: ChildProcess
  readonly url: string
}

export interface Stack {
  /** Starts one with that epoch, which closes remaining clients after about `stay` ms. */
  start(epoch: string, stay: number): Promise<Running>
  /** Whether it keeps messages for clients that come back. */
  readonly replays: boolean
  /** The close code for clients that stay. */
  readonly code: number
}

/** Starts the program and waits until it listens: on that port, or on the one that it prints after `listening on`. */
export async function program(
  command: string,
  words: string[],
  env: Record<string, string> = {},
  port?: number,
): Promise<Running> {
  const child = spawn(command, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  const told = new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (data: Buffer) => {
        const found = /listening on (\d+)/.exec((said += String(data)))
        if (found) resolve(found[1]!)
      })
    }
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}: ${said}`)))
  })
  const at = port === undefined ? told : listens(port)
  return { child, url: `ws://127.0.0.1:${await Promise.race([at, told])}/live` }
}

/** Resolves with the port once something listens there. */
async function listens(port: number): Promise<number> {
  for (;;) {
    const probe = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) =>
      probe.on('connect', () => resolve(true)).on('error', () => resolve(false)),
    )
    probe.destroy()
    if (open) return port
  }
}

/** A connection that the test controls by hand. */
async function raw(url: string) {
  const socket = new WebSocket(url)
  const frames: { type?: string; deadline?: number; data?: unknown }[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(String(data)) as object))
  socket.on('error', () => undefined)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return { socket, frames, send: (frame: object) => socket.send(JSON.stringify(frame)) }
}

/**
 * A client that is handed over, or comes back. If a server spreads its clients over ten seconds, this one waits half a
 * second.
 */
function reader(url: () => string) {
  const reading = speaking(url, reconnectNotice({ numbered: true }), {
    environment: { WebSocket, random: () => 0.05 },
  }).follow('chat')
  const gaps: unknown[] = []
  const states: string[] = []
  reading.socket.on('gap', ({ from, to, reason }) => gaps.push({ from, to, reason }))
  reading.socket.store.subscribe(({ status }) => states.at(-1) !== status && states.push(status))
  const live = () => reading.socket.store.getState().status === 'live'
  return { ...reading, gaps, states, live }
}

/** What each example promises, whatever its language. */
export function keepsItsPromises({ start, replays, code }: Stack) {
  it('is left by its clients when it is told to go, under load: nothing lost, repeated or reordered, and nobody sees a break', async () => {
    const servers = [await start('shared', 20_000), await start('shared', 20_000)]
    // The two servers share no log, so both are sent every message in the same order. That is the effect of numbers
    // from one source.
    const writers = await Promise.all(servers.map(({ url }) => raw(url)))
    let sent = 0
    const began = performance.now()
    const write = setInterval(() => {
      for (const due = (performance.now() - began) / 2; sent < due; ) {
        sent++
        for (const { send } of writers) send({ topic: 'chat', data: sent })
      }
    }, 2)
    onTestFinished(() => clearInterval(write))
    const readers = Array.from({ length: 10 }, () => {
      let dials = 0
      return reader(() => servers[Math.min(dials++, 1)]!.url)
    })
    for (const { socket } of readers) socket.connect()
    await until(() => readers.every(({ seen }) => seen.length > 50), 'messages')
    servers[0]!.child.kill('SIGTERM')
    await until(() => readers.every(({ socket }) => socket.stats().handovers === 1), 'the handovers')
    const reached = sent + 100
    await until(() => sent > reached, 'some more')
    clearInterval(write)
    await until(() => readers.every(({ seen }) => seen.at(-1) === sent), 'the last message')
    for (const { seen, asked, states, gaps, socket } of readers) {
      expect(seen).toEqual(oneToLast(seen as number[]))
      expect([states, gaps, asked.map(({ reason }) => reason), socket.stats().reconnects]).toEqual([
        ['connecting', 'live'],
        [],
        ['deploy'],
        0,
      ])
    }
  })

  it(
    replays
      ? 'replays what was missed in a break, by its numbers'
      : 'has its clients know what a break has lost, by its numbers',
    async () => {
      const { url } = await start('shared', 20_000)
      const { socket, seen, gaps, live } = reader(() => url)
      const writer = await raw(url)
      const write = async (data: string) => {
        writer.send({ topic: 'chat', data })
        writer.send({ type: 'ping' })
        const pongs = writer.frames.length + 1
        await until(() => writer.frames.length === pongs, 'the answer')
      }
      socket.connect()
      await until(live, 'live')
      await write('one')
      await until(() => seen.length === 1, 'the first')
      socket.close()
      await write('two')
      await write('three')
      socket.connect()
      await until(live, 'live again')
      await write('four')
      await until(() => seen.at(-1) === 'four', 'the last')
      expect([seen, gaps]).toEqual(
        replays ? [['one', 'two', 'three', 'four'], []] : [['one', 'four'], [{ from: 2, to: 3, reason: 'lost' }]],
      )
    },
  )

  it(`takes nobody else once it was told to go, and lets go who stays: ${code}`, async () => {
    const { child, url } = await start('shared', 1_000)
    const stays = await raw(url)
    stays.send({ type: 'hello', topics: { chat: {} } })
    stays.send({ type: 'ping' })
    await until(() => stays.frames.length === 1, 'the answer')
    const closed = once(stays.socket, 'close')
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await until(() => stays.frames.length === 2, 'the request')
    expect(stays.frames[1]).toMatchObject({
      type: 'handover',
      reason: 'deploy',
      deadline: expect.any(Number) as number,
    })
    const late = new WebSocket(url)
    late.on('error', () => undefined)
    late.on('open', () => late.send('{"type":"hello","topics":{"chat":{}}}'))
    await new Promise((resolve) => late.on('close', resolve))
    expect(stays.socket.readyState).toBe(WebSocket.OPEN)
    expect((await closed)[0]).toBe(code)
    await exited
  })
}
