import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { until } from '../server/kit.js'
import { speaking } from './stage.js'

const ROOT = join(import.meta.dirname, '../..')

/** The example as a process of its own, and where it listens. */
async function example(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'examples/servers/ws.mjs')], { env: { ...process.env, PORT: '0', EPOCH: 'shared' }, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout!.on('data', (data: Buffer) => (said += String(data)))
  await until(() => said.includes('listening on'), 'the example')
  return { child, url: `ws://127.0.0.1:${/listening on (\d+)/.exec(said)![1]}/` }
}

it('the example of a ws server asks to move when it is told to go, and goes when nobody is left', async () => {
  const [one, two] = [await example(), await example()]
  let dials = 0
  const { socket, seen, asked } = speaking(() => [one, two][Math.min(dials++, 1)]!.url, reconnectNotice({ numbered: true })).follow('chat')
  const states: string[] = []
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  socket.store.subscribe(({ status }) => states.push(status))
  await socket.publish('chat', { topic: 'chat', data: 'one' })
  await until(() => seen.length === 1, 'the message')
  one.child.kill('SIGTERM')
  await once(one.child, 'exit')
  expect(socket.stats().handovers).toBe(1)
  expect([seen, asked[0]!.reason, states.filter((status) => status !== 'live')]).toEqual([['one'], 'deploy', []])
})

it('the example of a ws server replays what was missed in a break, by its numbers', async () => {
  const { url } = await example()
  const reader = speaking(url, reconnectNotice({ numbered: true })).follow('chat')
  const writer = speaking(url, reconnectNotice({ numbered: true }))
  const write = (text: string) => writer.socket.publish('chat', { topic: 'chat', data: text })
  writer.socket.connect()
  reader.socket.connect()
  await until(() => reader.socket.store.getState().status === 'live' && writer.socket.store.getState().status === 'live', 'live')
  await write('one')
  await until(() => reader.seen.length === 1, 'the first')
  reader.socket.close()
  await write('two')
  await write('three')
  reader.socket.connect()
  await write('four')
  await until(() => reader.seen.length === 4, 'the last')
  expect(reader.seen).toEqual(['one', 'two', 'three', 'four'])
  expect(reader.socket.stats().gaps).toBe(0)
})
