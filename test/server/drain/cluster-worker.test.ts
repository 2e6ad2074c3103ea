import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { leaveToOtherWorkers } from '../../../src/server/drain/cluster-worker.js'
import { rawClient } from '../../kit/raw-client.js'

test('a node:cluster worker that is told to end takes no new connection: clients that it sends away reach another worker', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('cluster-worker-process.ts', import.meta.url))],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const port = (await lines.next()).value as string
  const dial = async () => {
    const client = await rawClient(`ws://127.0.0.1:${port}/`)
    const { server } = await client.hello()
    return { client, server: String(server) }
  }
  const leaver = await dial()
  child.stdin.write(`${leaver.server}\n`)
  await leaver.client.next('handover')
  for (let dials = 0; dials < 6; dials++) {
    const { client, server } = await dial()
    expect(server).not.toBe(leaver.server)
    client.close()
  }
  leaver.client.close()
  expect((await lines.next()).value).toBe(`${leaver.server} ended with 0`)
}, 40_000)

test('a worker whose drain is cancelled listens again, on the same port', async () => {
  const http = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1')
  onTestFinished(() => void http.close())
  await new Promise((resolve) => http.once('listening', resolve))
  const { port } = http.address() as AddressInfo
  const listenAgain = leaveToOtherWorkers(http, true)
  expect(http.listening).toBe(false)
  listenAgain()
  await new Promise((resolve) => http.once('listening', resolve))
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here')
})

test('a process that is no cluster worker goes on listening during a drain, so that its health endpoint can report it', async () => {
  const http = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void http.close())
  await new Promise((resolve) => http.once('listening', resolve))
  leaveToOtherWorkers(http, false)
  expect(http.listening).toBe(true)
})
