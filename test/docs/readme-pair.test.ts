import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const README = await readFile(join(root, 'README.md'), 'utf8')

/** The first sample below a heading. */
function sample(heading: string): string {
  const [, text = ''] = README.split(`\n## ${heading}\n`)
  const [, code] = text.split('\n## ')[0]!.match(/^```ts\n([\s\S]*?)^```/m) ?? []
  if (code === undefined) throw new Error(`README.md has no sample under "${heading}"`)
  return code
}

const CLIENT = sample('In the browser')
const SERVER = sample('On the server')
const ORIGIN = SERVER.match(/allowedOrigins: \['([^']+)'/)![1]!

describe("the README's client and server", () => {
  let folder: string
  let server: ChildProcess
  /** Where it says that it listens. */
  let address: URL

  const write = async (name: string, code: string) => {
    await writeFile(join(folder, name), `${code}\nexport {}\n`)
    return join(folder, name)
  }
  /**
   * The client's sample, as it stands but for the port, in a page of that origin: what it printed until its end, or
   * until these words.
   */
  const visit = async (origin: string, words?: string) => {
    const file = await write('client.ts', CLIENT.replace('localhost:8080', address.host))
    const page = spawn('node', ['--import', 'tsx', join(import.meta.dirname, 'page-runner.ts'), file, origin], {
      cwd: root,
    })
    const ended = once(page, 'close')
    let told = ''
    for (const stream of [page.stdout, page.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        told += text
        if (words !== undefined && told.includes(words)) page.kill('SIGKILL')
      })
    }
    await ended
    return told
  }

  beforeAll(async () => {
    // Inside the project, so that a sample's imports are found as in an application.
    folder = await mkdtemp(join(import.meta.dirname, '.pair-'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    server = spawn('node', ['--import', 'tsx', await write('server.ts', SERVER)], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string]
    address = new URL(line.replace('listening on ', ''))
  })
  afterAll(async () => {
    if (server.exitCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  })

  it('are one pair: the port and the path of the one are those of the other', () => {
    const url = new URL(CLIENT.match(/url: '([^']+)'/)![1]!)
    expect([url.pathname, url.port]).toEqual([address.pathname, SERVER.match(/PORT \?\? (\d+)/)![1]])
  })

  it('meet: what the client publishes is applied, arrives, and a handover and the end are clean', async () => {
    const told = (await visit(ORIGIN)).trim().split('\n')
    expect(told.filter((line) => / live ada hello$/.test(line))).toHaveLength(1)
    expect(told).toContainEqual(expect.stringMatching(/^in the log at \d+$/))
    expect(told.map((line) => line.trim())).toContain('live')
    expect(told.filter((line) => /refused|allowedOrigins|Error/.test(line))).toEqual([])
  })

  it('say what is wrong where the page comes from elsewhere', async () => {
    expect(await visit('https://elsewhere.example', 'doctor')).toMatch(
      /\/live: Unexpected server response: 403\. Server up\? Path\? allowedOrigins/,
    )
  })
})
