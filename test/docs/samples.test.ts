import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
/** Inside the project, so that a sample's imports are found as in an application; git does not see it. */
const folder = join(import.meta.dirname, '.samples')

interface Sample {
  readonly title: string
  readonly file: string
  readonly code: string
}

async function pages(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
  return ['README.md', ...docs]
}

async function samples(): Promise<Sample[]> {
  const found: Sample[] = []
  for (const page of await pages()) {
    const text = await readFile(join(root, page), 'utf8')
    for (const match of text.matchAll(/^```(tsx?)\n([\s\S]*?)^```/gm)) {
      const line = text.slice(0, match.index).split('\n').length
      const name = `${page.replace(/\W+/g, '-')}-${line}`
      found.push({ title: `${page}:${line}`, file: join(folder, `${name}.${match[1]}`), code: match[2]! })
    }
  }
  return found
}

const all = await samples()
/** The client that the README's own server serves: readme-pair.test.ts runs the two together. */
const isPaired = ({ code }: Sample) => code.includes('ws://localhost:8080/live')

describe('every sample in the docs', () => {
  beforeAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    // As Vite does it, which knows the mode when it builds.
    const built = (code: string) => code.replaceAll('import.meta.env.DEV', 'true')
    for (const { file, code } of all) await writeFile(file, `${built(code)}\nexport {}\n`)
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, string[]> }
    }
    const paths = Object.fromEntries(
      Object.entries(compilerOptions.paths).map(([name, [path]]) => [name, [join(root, path!)]]),
    )
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: { paths }, include: ['*.ts', '*.tsx'] }),
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('compiles, strictly', async () => {
    expect(all.length).toBeGreaterThan(5)
    const { stdout } = await run('node', [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch(
      (failed: { stdout: string }) => failed,
    )
    expect(stdout).toBe('')
  })

  it.each(all.filter((sample) => !isPaired(sample)).map((sample) => [sample.title, sample] as const))(
    '%s runs',
    async (_title, { file }) => {
      const runner = join(import.meta.dirname, 'sample-runner.ts')
      const { stdout } = await run('node', ['--import', 'tsx', runner, file], {
        cwd: root,
        env: { ...process.env, PORT: '0' },
      })
      expect(stdout.trim().split('\n').at(-1)).toBe('the sample ran')
    },
  )
})
