import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, inject, it, onTestFinished } from 'vitest'

const packed = inject('packed')
const run = promisify(execFile)

it('npx livesocket init: the copy installs, builds and starts, and serves its page and its tokens', async () => {
  const folder = join(dirname(packed.full), 'my-chat')
  const shell = process.platform === 'win32'
  await run(join(packed.full, 'node_modules', '.bin', 'livesocket'), ['init', folder], { shell })
  const file = join(folder, 'package.json')
  // Of this release, which no registry has.
  await writeFile(file, (await readFile(file, 'utf8')).replace(/("livesocket": )"[^"]+"/, `$1"file:${packed.tarball}"`))
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: folder, shell })
  await run('npm', ['run', 'build'], { cwd: folder, shell })
  const server = spawn(process.execPath, ['--import', 'tsx', 'server/main.ts'], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string]
  const url = line.replace('listening on ', '')
  expect(await (await fetch(url)).text()).toContain('<title>Chat</title>')
  const login = await fetch(`${url}login`, { method: 'POST', body: 'Ada' })
  const token = await fetch(`${url}token`, {
    method: 'POST',
    headers: { cookie: login.headers.getSetCookie()[0]!.split(';')[0]! },
  })
  expect(await token.json()).toEqual({ token: expect.any(String) as string, ttl: 600_000 })
})
