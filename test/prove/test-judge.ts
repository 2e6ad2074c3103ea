import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../kit/source-files.js'
import type { Plant } from './planter.js'

/** Runs a test file with the mistake in place. Resolves with the title of the test that fails first; null: none does. */
export async function firstFailing(judge: string, { file, from, to }: Plant): Promise<string | null> {
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
      const env = { ...process.env, JUDGE: judge, PLANT: JSON.stringify({ file, from, to }) }
      spawn(process.execPath, args, { cwd: ROOT, stdio: 'ignore', env }).on('error', reject).on('close', resolve)
    })
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    if (tests.length === 0) throw new Error(`${judge} has run no test with the mistake in src/${file}`)
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
