import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { advise } from '../../bench/fleet/advice.js'
import { readCommand } from '../../bench/fleet/options.js'

const MAIN = new URL('../../bench/fleet/main.ts', import.meta.url).pathname

/** Runs the command as npm does. It prints its peak memory to stderr when it ends. */
async function fleet(...args: string[]) {
  const code = `process.on('exit', () => console.error(process.resourceUsage().maxRSS)); await import(${JSON.stringify(MAIN)})`
  const command = ['--import', 'tsx', '--input-type=module', '-e', code, 'fleet', ...args]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1e8 })
  return { stdout, kibibytes: Number(stderr.trim().split('\n').at(-1)) }
}

test('a simulation of a million clients for an hour takes at most a minute and a gigabyte, and their calls spread out as predicted', {
  timeout: 120_000,
}, async () => {
  const begun = performance.now()
  const { stdout, kibibytes } = await fleet('--scenario', 'login-burst', '--clients', '1000000', '--json')
  expect(performance.now() - begun).toBeLessThan(60_000)
  expect(kibibytes).toBeGreaterThan(1_000)
  expect(kibibytes).toBeLessThan(2 ** 20)
  const outcome = JSON.parse(stdout) as { meanPerSecond: number; peakToMean: number[] }
  expect(outcome.meanPerSecond).toBeCloseTo(1_000_000 / 420, -2)
  for (const [k, expected] of [
    [1, 1.77],
    [3, 1.33],
    [5, 1.11],
    [7, 1.04],
  ] as const) {
    expect(Math.abs(outcome.peakToMean[k - 1]! / expected - 1)).toBeLessThan(0.03)
  }
})

test('every scenario prints one JSON object with the fields that tools read', { timeout: 60_000 }, async () => {
  const { scenarios } = JSON.parse((await fleet('--clients', '5000', '--json')).stdout) as {
    scenarios: Record<string, unknown>[]
  }
  expect(scenarios).toHaveLength(9)
  for (const outcome of scenarios) {
    for (const field of ['meanPerSecond', 'peakPerSecond', 'expiredShare', 'tokenCalls'])
      expect(outcome[field], `${outcome['scenario']}.${field}`).toBeTypeOf('number')
    expect(outcome).toHaveProperty('recovered99')
  }
})

test('the report is one file without scripts or links, with a chart for each scenario', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  await fleet('--clients', '2000', '--html', join(folder, 'report.html'), '--charts', join(folder, 'charts'))
  const html = readFileSync(join(folder, 'report.html'), 'utf8')
  expect(html).not.toMatch(/<script|href=|src=|url\(|NaN|undefined|Infinity/)
  expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(11)
  for (const file of readdirSync(join(folder, 'charts')))
    expect(readFileSync(join(folder, 'charts', file), 'utf8')).not.toMatch(/NaN|undefined|Infinity/)
})

test.each([
  [['--scenario', 'apocalypse'], /--scenario must be one of login-burst/],
  [['--clients', 'many'], /--clients must be a number/],
  [['--clients', '1.5'], /whole number/],
  [['--spread=-1'], /--spread must be a number from 0 to 300/],
  [['--rate', ''], /--rate/],
  [['--speed', '1'], /speed/],
])('%j is refused with a text that says why', (args, sentence) => {
  expect(() => readCommand(args)).toThrow(sentence)
})

test('the advice stays within the given capacity in simulation, and says where nothing can', {
  timeout: 60_000,
}, () => {
  const advice = advise(
    readCommand(['--clients', '100000', '--nodes', '4', '--accepts', '500', '--token-capacity', '1000']).settings,
  )
  expect(advice.fits).toBe(true)
  expect(advice.proof.crash.peakPerSecond).toBeLessThanOrEqual(2_000)
  expect(advice.proof.drain.peakPerSecond).toBeLessThanOrEqual(advice.drainRate * 1.05)
  expect(advice.proof.drain.took).toBeLessThan(advice.drainDeadline)
  expect(
    advise(readCommand(['--clients', '100000', '--nodes', '4', '--accepts', '10', '--token-capacity', '100']).settings)
      .fits,
  ).toBe(false)
})
