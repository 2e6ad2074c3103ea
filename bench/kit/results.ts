import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * The folder for the results of every measuring command. It is not in git, because a result holds for one machine on
 * one day.
 */
export const RESULTS = resolve(import.meta.dirname, '../results')

/** @param files their content by file extension: `json`, `md`, `svg` */
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
