import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

interface Proof {
  readonly exhaustive: { readonly states: number; readonly depth: number; readonly complete: boolean }
  readonly random: { readonly schedules: number; readonly violations: number }
  readonly mutants: { readonly planted: number; readonly caught: number }
  readonly failures: readonly { readonly promises: readonly string[]; readonly replay: string }[]
}

/** `npm run prove`, as CI runs it. */
function prove(...args: string[]): Promise<Proof> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'test/prove/main.ts', '--quick', '--json', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk))
    child.on('error', reject)
    child.on('close', () => resolve(JSON.parse(text) as Proof))
  })
}

it('whatever the network, the servers, the token service and the page do: nothing is lost in silence, nothing is told twice, every publish is settled, and in the end the page is live', {
  timeout: 300_000,
}, async () => {
  const { exhaustive, random, mutants, failures } = await prove()
  expect(failures.map(({ promises, replay }) => `${promises.join('; ')}: npm run replay ${replay}`)).toEqual([])
  expect(exhaustive.complete).toBe(true)
  expect(exhaustive.states).toBeGreaterThan(1_000)
  expect(random).toMatchObject({ violations: 0 })
  expect(random.schedules).toBeGreaterThanOrEqual(10_000)
  expect(mutants.caught).toBe(mutants.planted)
})
