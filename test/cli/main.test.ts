import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('starts as a program', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, '../../src/cli/main.ts'), 'doctor', 'nowhere'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (data: Buffer) => (text += String(data)))
  const [code] = (await once(child, 'close')) as [number]
  expect([code, text]).toEqual([2, expect.stringContaining('takes one ws: or wss: URL')])
})

it('tests a client that is a program', async () => {
  const child = spawn(
    process.execPath,
    [
      ...['--import', 'tsx', join(import.meta.dirname, '../../src/cli/main.ts'), 'client-conformance'],
      `node --import tsx ${join(import.meta.dirname, 'client-program.ts')}`,
      ...['--only', 'a publish again that is unanswered'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (data: Buffer) => (text += String(data)))
  const [code] = (await once(child, 'close')) as [number]
  expect([code, text]).toEqual([0, expect.stringContaining('1 hold, 0 fail')])
})
