import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../../test/kit/table.js'
import { ROOT } from '../kit/root.js'
import type { Sizes } from './sizes.js'

const BEGIN = '<!-- sizes: npm run size writes them -->'
const END = '<!-- /sizes -->'
const README = join(ROOT, 'README.md')

export function sizeTable(sizes: Sizes): string {
  return table(
    ['what a page loads', 'kB, min + gzip'],
    Object.entries(sizes).map(([name, bytes]) => [name, (bytes / 1_000).toFixed(1)]),
  )
}

/** The range of text between the markers. */
function bounds(text: string): { from: number; to: number } {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`README.md must have ${BEGIN} and, after it, ${END}.`)
  return { from: from + BEGIN.length, to }
}

/** The sizes in kB in the README, by entry name. */
export function readmeSizes(): Readonly<Record<string, number>> {
  const text = readFileSync(README, 'utf8')
  const { from, to } = bounds(text)
  const lines = text.slice(from, to).matchAll(/^\| (.+?) +\| +([\d.]+) \|$/gm)
  return Object.fromEntries([...lines].map(([, name, kB]) => [name!, Number(kB)]))
}

export function writeReadmeSizes(sizes: Sizes): void {
  const text = readFileSync(README, 'utf8')
  const { from, to } = bounds(text)
  writeFileSync(README, `${text.slice(0, from)}\n${sizeTable(sizes)}\n${text.slice(to)}`)
}
