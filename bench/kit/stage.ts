import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build } from 'vite'
import { compilePrograms } from './compile.js'
import { ROOT } from './root.js'

/**
 * One build of the package in a folder of its own, where programs import it by its public names. They can import all
 * other packages of this project too.
 */
export interface Staged {
  /** The folder. The package is `node_modules/livesocket` in it. */
  readonly folder: string
  /** The suffix of the names of this build in results: nothing, or ` before`. */
  readonly suffix: string
  readonly version: string
  /** The path of a compiled program. bench/PART/NAME.ts has the name `PART/NAME`. */
  program(name: string): string
}

/** The builds that a run compares. */
export interface Stage {
  readonly present: Staged
  /** The present build and, if there is one, the baseline. */
  readonly builds: readonly Staged[]
  remove(): Promise<void>
}

/** Programs that run in Node, each in the folder of the build that it measures. */
const PROGRAMS = [
  'cpu/program',
  'throughput/client',
  'throughput/sender',
  'heap/program',
  'publish/program',
  'latency/client',
  'latency/sides',
  'server/node',
  'server/legs',
  'signals/relay',
  'signals/clients',
]

/** @param baseline a folder with a package.json and a built `dist`, that `dist` itself, or a file from `npm pack` */
export async function createStage({ baseline }: { readonly baseline?: string } = {}): Promise<Stage> {
  const cache = join(ROOT, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  // Inside the project, so that imports find its packages.
  const home = await mkdtemp(join(cache, 'livesocket-bench-'))
  const remove = () => rm(home, { recursive: true, force: true })
  try {
    const programs = join(home, 'programs')
    await compilePrograms({ names: PROGRAMS, outDir: programs })
    const present = await stage({ folder: join(home, 'present'), suffix: '', programs, install: installPresent })
    const before =
      baseline === undefined
        ? []
        : [
            await stage({
              folder: join(home, 'before'),
              suffix: ' before',
              programs,
              install: (target) => installBaseline(resolve(baseline), target),
            }),
          ]
    return { present, builds: [present, ...before], remove }
  } catch (error) {
    await remove()
    throw error
  }
}

interface StageAsk {
  readonly folder: string
  readonly suffix: string
  readonly programs: string
  install(target: string): Promise<void>
}

async function stage({ folder, suffix, programs, install }: StageAsk): Promise<Staged> {
  const target = join(folder, 'node_modules/livesocket')
  await mkdir(target, { recursive: true })
  await install(target)
  await cp(programs, folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  const { version } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as { version: string }
  return { folder, suffix, version, program: (name) => join(folder, `${name}.mjs`) }
}

/** Builds the package as `npm run build` does, without the declarations, which no program here reads. */
async function installPresent(target: string) {
  // In a test run Vite does not assume production, and JSX compiles to more code there.
  const before = process.env['NODE_ENV']
  process.env['NODE_ENV'] = 'production'
  try {
    for (const [config, outDir] of [
      ['vite.config.ts', 'dist'],
      ['vite.production.config.ts', 'dist/production'],
      ['vite.global.config.ts', 'dist'],
    ] as const) {
      await build({
        root: ROOT,
        configFile: join(ROOT, config),
        logLevel: 'silent',
        build: { outDir: join(target, outDir), emptyOutDir: false },
      })
    }
    await cp(join(ROOT, 'package.json'), join(target, 'package.json'))
  } finally {
    if (before === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = before
  }
}

async function installBaseline(given: string, target: string) {
  if (!existsSync(given)) throw new Error(`--baseline: there is no ${given}.`)
  if (/\.(tgz|tar\.gz)$/.test(given))
    return void execFileSync('tar', ['-xzf', given, '-C', target, '--strip-components=1'])
  const folder = basename(given) === 'dist' && !existsSync(join(given, 'package.json')) ? dirname(given) : given
  if (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'dist/index.js'))) {
    throw new Error(
      `--baseline: ${given} must be a folder with a package.json and a built dist, that dist, or a file from npm pack.`,
    )
  }
  await cp(join(folder, 'package.json'), join(target, 'package.json'))
  await cp(join(folder, 'dist'), join(target, 'dist'), { recursive: true })
}
