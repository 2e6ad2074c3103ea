import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { build } from 'vite'
import { ROOT } from '../kit/source-files.js'
import { planter, type Plant } from './planter.js'
import { makeVisible } from './visible.js'

export interface Program {
  readonly path: string
  remove(): Promise<void>
}

export interface CompileOptions {
  readonly plant?: Plant
  /**
   * What closures hold is visible, also those of packages. The search for states needs this; any other search is slower
   * with it.
   */
  readonly visible?: boolean
}

/** Compiles the search to plain JavaScript, with the client as it is or with one planted mistake. */
export async function compileProgram({ plant, visible = false }: CompileOptions = {}): Promise<Program> {
  // Inside the project, so that imports find its packages.
  const cache = join(ROOT, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'livesocket-prove-'))
  let found = false
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    plugins: plant ? [planter(plant, () => void (found = true))] : [],
    build: {
      outDir,
      target: 'es2023',
      minify: false,
      lib: {
        entry: join(ROOT, 'test/prove/program.ts'),
        formats: ['es'],
        fileName: () => 'program.mjs',
      },
      rolldownOptions: {
        external: (id) =>
          visible ? id.startsWith('node:') : !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id),
      },
    },
  })
  if (plant && !found) throw new Error(`src/${plant.file} is not part of the client any more: plant it elsewhere`)
  const path = join(outDir, 'program.mjs')
  if (visible) await writeFile(path, makeVisible(await readFile(path, 'utf8')))
  return { path, remove: () => rm(outDir, { recursive: true, force: true }) }
}
