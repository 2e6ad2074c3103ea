import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { build, type Plugin } from 'vite'
import { planted } from '../kit/mutant.js'
import { ROOT } from '../kit/source-files.js'

/** A mistake, planted in one file of src/ while it is compiled. */
export interface Plant {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Program {
  readonly path: string
  remove(): Promise<void>
}

/** The search as plain JavaScript with the client as it is, or with one mistake in it. */
export async function compileProgram(plant?: Plant): Promise<Program> {
  // Inside the project, so that packages are found.
  const cache = join(ROOT, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'livesocket-prove-'))
  let found = false
  const planter: Plugin = {
    name: 'plant',
    enforce: 'pre',
    transform(code, id) {
      if (!plant || id !== join(ROOT, 'src', plant.file)) return null
      found = true
      return { code: planted(code, plant.from, plant.to, plant.file), map: null }
    },
  }
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    plugins: [planter],
    build: {
      outDir,
      target: 'es2023',
      minify: false,
      lib: { entry: join(ROOT, 'test/prove/program.ts'), formats: ['es'], fileName: () => 'program.mjs' },
      rolldownOptions: { external: (id) => !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) },
    },
  })
  if (plant && !found) throw new Error(`src/${plant.file} is not part of the client any more: plant it elsewhere`)
  return { path: join(outDir, 'program.mjs'), remove: () => rm(outDir, { recursive: true, force: true }) }
}
