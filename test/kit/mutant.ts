import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transformWithOxc } from 'vite'

/** Returns the text with its first `from` replaced. Line breaks, and the commas that depend on them, do not count. */
export function planted(text: string, from: string, to: string, source: string): string {
  const words = from.match(/[\w$]+|[^\w$\s]/g) ?? []
  const pattern = words
    .map((word) => (/[)\]}]/.test(word) ? `,?\\s*\\${word}` : word.replace(/\W/g, '\\$&')))
    .join('\\s*')
  const found = new RegExp(pattern).exec(text)
  if (!found) throw new Error(`${source} does not contain: ${from}`)
  return text.slice(0, found.index) + to + text.slice(found.index + found[0].length)
}

/**
 * A module of src/ with one planted mistake: the first `from` in its text is replaced by `to`. A test that cannot tell
 * it from the real module proves nothing.
 */
export async function mutant<Module>(source: string, from: string, to: string): Promise<Module> {
  const path = resolve(source)
  const text = await readFile(path, 'utf8')
  const { code } = await transformWithOxc(planted(text, from, to, source), path)
  // The file is beside the original, so that relative imports still work. It is removed at once.
  const file = join(dirname(path), `.${basename(path, '.ts')}-mutant-${process.pid}-${count++}.mjs`)
  await writeFile(file, code.replace(/(from\s+['"]\.[^'"]*)\.js(['"])/g, '$1.ts$2'))
  try {
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Module
  } finally {
    await rm(file)
  }
}

let count = 0
