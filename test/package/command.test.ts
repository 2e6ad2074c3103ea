import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'

const packed = inject('packed')
const run = promisify(execFile)

const livesocket = (folder: string, ...words: string[]) =>
  run(join(folder, 'node_modules', '.bin', 'livesocket'), words, { shell: process.platform === 'win32' }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  )

it('the packed package has the command livesocket', async () => {
  expect(await livesocket(packed.full, '--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('livesocket conformance') as string,
  })
  expect(await livesocket(packed.full, 'doctor', 'ws://127.0.0.1:9/')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('Nobody listens there') as string,
  })
})

/** As somebody would write it in another language, who has read docs/protocol.md: a client that is only ever told. */
const CLIENT = `
import { WebSocket } from 'ws'
const topic = process.env.LIVESOCKET_TOPIC
const socket = new WebSocket(process.env.LIVESOCKET_URL, 'livesocket.v1')
socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', session: 's', leg: 1, topics: { [topic]: {} } })))
socket.on('message', (text) => {
  const { type, offset, data } = JSON.parse(text)
  if (type === 'message') console.log(JSON.stringify({ message: { offset, data } }))
})
`

it('the packed package tests a client in any language, and finds one that reports no gap', async () => {
  writeFileSync(join(packed.full, 'client.mjs'), CLIENT)
  const tried = (check: string) =>
    livesocket(packed.full, 'client-conformance', `node ${join(packed.full, 'client.mjs')}`, '--only', check)
  const found = await Promise.all(['first sends a hello', 'a new epoch that is announced'].map(tried))
  expect(found).toMatchObject([
    { code: 0, stdout: expect.stringContaining('1 hold, 0 fail') as string },
    { code: 1, stdout: expect.stringContaining('0 hold, 1 fail') as string },
  ])
})

it.runIf(!('WebSocket' in globalThis))('the command says what to install if there is no WebSocket', async () => {
  expect(await livesocket(packed.bare, 'doctor', 'ws://127.0.0.1:9/')).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('install ws') as string,
  })
})
