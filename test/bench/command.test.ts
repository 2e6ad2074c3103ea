import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import type { Measure } from '../../bench/kit/measure.js'
import { ROOT } from '../kit/source-files.js'

const PARTS = ['bytes', 'cpu', 'heap', 'latency', 'publish', 'server', 'throughput']
const CLIENTS = [
  'LiveSocket',
  'LiveWebSocket',
  'reconnecting-websocket',
  'partysocket',
  'phoenix',
  'graphql-ws',
  'socket.io-client',
  '@trpc/client',
  '@microsoft/signalr',
  'centrifuge',
]

function bench(...args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/main.ts', ...args], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  })
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'livesocket-bench-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

it('measures every part for every contender in one run, and writes JSON, Markdown and a chart of each', async () => {
  const out = await folder()
  const { stdout } = await bench('--small', '--json', '--out', out)
  const { parts, machine } = JSON.parse(stdout) as { parts: Record<string, Measure[]>; machine: { node: string } }
  expect(machine.node).toBe(process.versions.node)
  expect(Object.keys(parts).sort()).toEqual(PARTS)
  expect((await readdir(out)).sort()).toEqual(
    PARTS.flatMap((name) => ['json', 'md', 'svg'].map((ending) => `${name}.${ending}`)),
  )
  for (const measure of Object.values(parts).flat())
    expect([measure.median, measure.least, measure.most].every(Number.isFinite), JSON.stringify(measure)).toBe(true)
  for (const part of ['cpu', 'throughput', 'publish']) {
    const seen = parts[part]!
    expect([...new Set(seen.map(({ contender }) => contender))]).toEqual(expect.arrayContaining(CLIENTS))
    expect(seen.filter(({ median }) => median <= 0)).toEqual([])
  }
  expect(parts['server']!.filter(({ what }) => what === 'opens').map(({ contender }) => contender)).toEqual([
    'LiveSocket',
    'ws',
    'socket.io',
  ])
  expect(await readFile(join(out, 'cpu.md'), 'utf8')).toContain('| reconnecting-websocket ')
  expect(await readFile(join(out, 'cpu.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/)
}, 600_000)

it.each([
  [['nothing'], 'There is no part "nothing"'],
  [['bytes', '--rounds', 'few'], '--rounds must be a whole number'],
  [['bytes', '--baseline', '/no/such/folder'], 'there is no /no/such/folder'],
])(
  'says in a sentence why it cannot run with %j',
  async (args, sentence) => {
    await expect(bench(...args)).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) as string })
  },
  60_000,
)
