import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build } from 'vite'
import { compilePrograms } from './compile.js'
import { ROOT } from './root.js'

/** One build of the package, installed where programs find it by its public names, with every other package of this project. */
export interface Staged {
  /** Its folder; `node_modules/livesocket` in it is the package. */
  readonly folder: string
  /** What names of this build have behind them: nothing, or ` before`. */
  readonly suffix: string
  readonly version: string
  /** A compiled program, as bench/PART/NAME.ts is called `PART/NAME`. */
  program(name: string): string
}

/** The builds that a run compares. */
export interface Stage {
  readonly present: Staged
  /** The present one and, where there is one, the baseline. */
  readonly builds: readonly Staged[]
  remove(): Promise<void>
}

/** Programs that run in Node, each beside the build that it measures. */
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

/** @param baseline a folder with a package.json and a built `dist`, that `dist` itself, or what `npm pack` made of it */
export async function createStage({ baseline }: { readonly baseline?: string } = {}): Promise<Stage> {
  const cache = join(ROOT, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  // Inside the project, so that packages are found.
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

/** As `npm run build` makes it, without the declarations, which nothing here reads. */
async function installPresent(target: string) {
  // A test run is no production to Vite, and JSX comes out longer there.
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
      `--baseline: ${given} must be a folder with a package.json and a built dist, that dist, or what npm pack made.`,
    )
  }
  await cp(join(folder, 'package.json'), join(target, 'package.json'))
  await cp(join(folder, 'dist'), join(target, 'dist'), { recursive: true })
}
