import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { EXAMPLES, keepsItsPromises, program } from './example-server.js'

// Phoenix is not available here. Elixir's own compiler compiles the handler, and a host of the test calls its callbacks
// as Phoenix does.
describe("the example of a Phoenix server's handler", () => {
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-elixir-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  beforeAll(() => {
    const { status, stderr } = spawnSync('elixirc', ['-o', folder, join(EXAMPLES, 'live_handler.ex')], {
      encoding: 'utf8',
    })
    expect([status, stderr.match(/^warning: (?!.*(WebSock|Jason)).*/gm)]).toEqual([0, null])
    const format = spawnSync('mix', ['format', '--check-formatted', join(EXAMPLES, 'live_handler.ex')], {
      encoding: 'utf8',
    })
    expect([format.status, format.stderr]).toEqual([0, ''])
  })

  keepsItsPromises({
    start: (epoch, stay) =>
      program('elixir', [
        '-pa',
        folder,
        join(import.meta.dirname, 'websock-host.exs'),
        epoch,
        String(Math.round(stay / 1.25)),
      ]),
    replays: true,
    code: 1012,
  })
})
