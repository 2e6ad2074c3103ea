import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { BUNDLERS } from '../../bench/bundlers/bundlers.js'
import { installBundlers, useBundler, wanted } from '../../bench/bundlers/run-bundlers.js'
import { ROOT } from '../kit/source-files.js'

// `npm run bundlers` is all of them.
const quick = BUNDLERS.filter(({ slow }) => !slow)
const folder = mkdtempSync(join(tmpdir(), 'livesocket-bundlers-'))

beforeAll(() => installBundlers(folder, inject('packed').tarball, quick), 180_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.sequential('an application that is made by', () => {
  it.each(quick.map((bundler) => [bundler.name, bundler] as const))('%s works', async (_name, bundler) => {
    expect(await useBundler(folder, bundler)).toEqual(wanted(bundler))
  })

  it('is documented on the page about bundlers, with its version and its whole configuration', () => {
    const page = readFileSync(join(ROOT, 'docs/bundlers.md'), 'utf8')
    for (const { name, packages, files } of BUNDLERS) {
      const [, version] = /@(\d+)[^@]*$/.exec(packages[0]!)!
      expect(page).toMatch(new RegExp(`\\| ${name.split(',')[0]} ${version}`))
      for (const line of Object.entries(files).flatMap(([path, text]) => (/config/.test(path) ? text.split('\n') : [])))
        if (/resolve\(|transformIgnore|getDefaultConfig\(__/.test(line)) expect(page).toContain(line.trim())
    }
  })
})

describe('TypeScript with moduleResolution node10', () => {
  it('finds the types of every entry', async () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
    const names = Object.keys(exports).filter((name) => name !== './package.json')
    const home = join(inject('packed').full, 'node10')
    mkdirSync(home)
    const lines = names.map((name, at) => `export * as part${at} from 'livesocket${name.slice(1)}'`)
    writeFileSync(join(home, 'all.ts'), lines.join('\n'))
    const args = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'node10']
    await promisify(execFile)(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript-6/lib/tsc.js'),
        ...args,
        '--ignoreDeprecations',
        '6.0',
        '--skipLibCheck',
        'all.ts',
      ],
      { cwd: home },
    ).catch(({ stdout }: { stdout: string }) => {
      throw new Error(stdout)
    })
  })
})
