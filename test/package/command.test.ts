import { execFile } from 'node:child_process'
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

it.runIf(!('WebSocket' in globalThis))('the command says what to install where there is no WebSocket', async () => {
  expect(await livesocket(packed.bare, 'doctor', 'ws://127.0.0.1:9/')).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('install ws') as string,
  })
})
