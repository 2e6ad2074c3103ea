import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Where every measuring command leaves what it found; git does not see it: it is true of one machine on one day. */
export const RESULTS = resolve(import.meta.dirname, '../results')

/** @param files by their ending: `json`, `md`, `svg` */
export function writeResults(
  name: string,
  files: Readonly<Record<string, string>>,
  folder: string = RESULTS,
): string[] {
  mkdirSync(folder, { recursive: true })
  return Object.entries(files).map(([ending, text]) => {
    const path = join(folder, `${name}.${ending}`)
    writeFileSync(path, text.endsWith('\n') ? text : `${text}\n`)
    return path
  })
}
