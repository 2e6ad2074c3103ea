import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../kit/source-files.js'

/** So many kinds of faults there are, and so many of bad input. */
const ROWS = 80

interface Row {
  readonly number: number
  /** The last cell: the tests, or why there is none. */
  readonly shownBy: string
}

const [faults = '', input = ''] = readFileSync(join(ROOT, 'docs', 'faults.md'), 'utf8')
  .split(/^## /m)
  .slice(1)

const rowsOf = (table: string): Row[] =>
  [...table.matchAll(/^\| (\d+) \| .+ \| (.+) \|$/gm)].map(([, number, shownBy = '']) => ({
    number: Number(number),
    shownBy,
  }))

/** The tests that a row names; null where a part of it names none. */
function testsOf(shownBy: string): { file: string; title: string }[] | null {
  const named = shownBy.split(/; (?=`test\/)/).map((one) => /^`(test\/[^`]+)` "(.+)"$/.exec(one))
  return named.every((match) => match !== null)
    ? named.map(([, file = '', title = '']) => ({ file, title: title.replace(/\\(.)/g, '$1') }))
    : null
}

/** The titles of the tests and groups of tests in a file, as they are written; `…` for what a template puts in. */
function titlesIn(file: string, text: string): Set<string> {
  const titles = new Set<string>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (typeof node !== 'object' || node === null) return
    const { type, callee, arguments: given } = node as { type: string; callee: unknown; arguments: unknown[] }
    const title = type === 'CallExpression' && TESTS.has(rootOf(callee)) ? textOf(given[0]) : undefined
    if (title !== undefined) titles.add(title)
    Object.values(node).forEach(visit)
  }
  visit(parseSync(file, text).program.body)
  return titles
}

const TESTS = new Set(['it', 'test', 'describe'])

/** `it` of `it.each(…)`. */
function rootOf(node: unknown): string {
  const { name, object, callee } = node as { name?: string; object?: unknown; callee?: unknown }
  return name ?? (object || callee ? rootOf(object ?? callee) : '')
}

function textOf(node: unknown): string | undefined {
  const { type, value, quasis } = (node ?? {}) as {
    type?: string
    value?: unknown
    quasis?: { value: { cooked: string } }[]
  }
  if (type === 'TemplateLiteral') return quasis!.map((part) => part.value.cooked).join('…')
  return typeof value === 'string' ? value : undefined
}

const known = new Map<string, Set<string>>()
function has({ file, title }: { file: string; title: string }): boolean {
  const path = join(ROOT, file)
  if (!known.has(file)) known.set(file, existsSync(path) ? titlesIn(file, readFileSync(path, 'utf8')) : new Set())
  return known.get(file)!.has(title)
}

describe.each([
  ['faults', faults],
  ['bad input', input],
])('the list of %s', (_, table) => {
  const rows = rowsOf(table)

  it('is whole', () => {
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: ROWS }, (_row, at) => at + 1))
  })

  it('names for each a test that there is, or says why there is none', () => {
    const tests = rows.flatMap(({ number, shownBy }) => (testsOf(shownBy) ?? []).map((test) => ({ number, ...test })))
    expect(tests.filter((test) => !has(test))).toEqual([])
    const without = rows.filter(({ shownBy }) => testsOf(shownBy) === null)
    expect(without.filter(({ shownBy }) => !/^Reason: .{40,}\.$/.test(shownBy))).toEqual([])
  })
})

it('a title counts as it is written, of a test, a table of tests or a group, and nothing else does', () => {
  const titles = titlesIn(
    'a.test.ts',
    `
    describe('a group', () => {
      it('a test', () => expect('no title').toBe(it))
      test.each(['no title'])(\`of \${1} of them\`, () => {})
      // it('no test', () => {})
    })`,
  )
  expect([...titles]).toEqual(['a group', 'a test', 'of … of them'])
})
