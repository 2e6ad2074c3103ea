import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../kit/source-files.js'
import type { Plant } from './planter.js'

export interface Judge {
  readonly judge: string
  readonly only?: string
}

/**
 * Runs a test file, with a planted mistake if one is given. Resolves with the title of the first failing test, or null
 * if none fails.
 */
export async function firstFailing({ judge, only = '' }: Judge, plant: Plant | null): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-judge-'))
  const report = join(folder, 'report.json')
  try {
    await new Promise((resolve, reject) => {
      const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
      const args = [
        vitest,
        'run',
        '--config',
        'test/prove/planted.config.ts',
        '--reporter=json',
        `--outputFile=${report}`,
      ]
      const env = { ...process.env, JUDGE: judge, ONLY: only, PLANT: plant ? JSON.stringify(plant) : '' }
      spawn(process.execPath, args, { cwd: ROOT, stdio: 'ignore', env }).on('error', reject).on('close', resolve)
    })
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    if (tests.every(({ status }) => status !== 'passed' && status !== 'failed'))
      throw new Error(`${judge} has run no test with the mistake in src/${plant?.file}`)
    return tests.find(({ status }) => status === 'failed')?.title ?? null
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[]
  }[]
}
