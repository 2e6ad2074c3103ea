import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

interface Targets {
  readonly types: string
  readonly development?: string
}

/**
 * The exports map of package.json is the only list of what the package offers: an entry that is added there is built.
 */
export interface Entry {
  /** The name that applications import: `livesocket/react`. */
  readonly publicName: string
  /** The name in a build, without its ending: `react/index`. */
  readonly output: string
  readonly source: string
  /** Whether pages load it. Such an entry has two builds. */
  readonly ofPages: boolean
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | Targets>>
  readonly bin: Readonly<Record<string, string>>
}

export const entries: readonly Entry[] = Object.entries(manifest.exports).flatMap(([subpath, targets]) => {
  if (typeof targets === 'string') return []
  const output = targets.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1')
  return {
    publicName: subpath.replace(/^\./, 'livesocket'),
    output,
    source: join(ROOT, `src/${output}.ts`),
    ofPages: targets.development !== undefined,
  }
})

/**
 * In a build from the sources every public name means the sources: a built package beside them would be a second copy,
 * which does not know the sockets of the first.
 */
export const sourceAliases = entries.map(({ publicName, source }) => ({
  find: new RegExp(`^${publicName}$`),
  replacement: source,
}))

const sourcesOf = (some: readonly Entry[]) => Object.fromEntries(some.map(({ output, source }) => [output, source]))

export const pageEntries = (): Record<string, string> => sourcesOf(entries.filter(({ ofPages }) => ofPages))

/** Every entry, and the commands. */
export const allEntries = (): Record<string, string> => ({
  ...sourcesOf(entries),
  ...Object.fromEntries(
    Object.values(manifest.bin).map((path) => {
      const output = path.replace(/^dist\/(.*)\.js$/, '$1')
      return [output, join(ROOT, `src/${output}.ts`)]
    }),
  ),
})
