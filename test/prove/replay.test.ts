import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { lastLine } from './ask.js'
import { SCENARIOS } from './scenarios.js'
import { caseText } from './shrink.js'

it('a schedule is replayed from its text and drawn with its legs and events', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-replay-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'replay.svg')
  const one = caseText({ world: { ...SCENARIOS['a handover']!, live: true }, seed: 1, choices: [] })
  expect(await lastLine(['--import', 'tsx', 'test/prove/replay.ts', one, '--svg', file])).toBe(`Drawn into ${file}`)
  const svg = await readFile(file, 'utf8')
  expect(svg).toContain('line 10<')
  expect(svg).toContain('>cutover<')
  expect(svg).toContain('>move<')
})
