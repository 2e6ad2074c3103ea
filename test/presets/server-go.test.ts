import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../kit/free-port.js'
import { EXAMPLES, keepsItsPromises, program } from './example-server.js'

const source = join(EXAMPLES, 'main.go')

describe('the example of a Go server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-go-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const built = new Map<string, string>()

  /** Debian's gorilla/websocket is in a GOPATH; with Go modules one has one's own copy. */
  function go(...words: string[]) {
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: join(tmpdir(), 'livesocket-go-cache'),
      GOFLAGS: '',
    }
    const { status, stdout, stderr } = spawnSync('go', words, { encoding: 'utf8', env })
    if (status !== 0) throw new Error(`go ${words[0]}: ${stdout}${stderr}`)
  }

  /** The program with the epoch, which the processes share, and the time for which clients may stay, replaced. */
  function build(epoch: string, stay: number): string {
    const text = readFileSync(source, 'utf8')
    const changed = text
      .replace('time.Now().String()', JSON.stringify(epoch))
      .replace('25 * time.Second', `${stay} * time.Millisecond`)
    if (built.has(changed)) return built.get(changed)!
    const [file, output] = [join(folder, 'main.go'), join(folder, `chat-${built.size}`)]
    writeFileSync(file, changed)
    go('build', '-o', output, file)
    built.set(changed, output)
    return output
  }

  it('is formatted by gofmt, and go vet finds nothing', { timeout: 120_000 }, () => {
    expect(spawnSync('gofmt', ['-l', source], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '' })
    go('vet', source)
    build('shared', 20_000)
    build('shared', 500)
  })

  keepsItsPromises({
    async start(epoch, stay) {
      const port = await freePort()
      return program(build(epoch, stay), [], { PORT: String(port) }, port)
    },
    replays: false,
    code: 1006,
  })
})
