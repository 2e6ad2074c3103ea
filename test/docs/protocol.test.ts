import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { closeVerdict, type Verdict } from '../../src/policy/close-verdict.js'
import { MAX_EPOCH, MAX_ID, MAX_TOKEN, MAX_TOPIC, MAX_WORDS } from '../../src/protocol/fields.js'
import { CLOSE_CODES } from '../../src/server/failure.js'
import { listFiles, ROOT } from '../kit/source-files.js'
import { clientSamples, serverSamples, type Sample } from '../protocol/samples.js'

const PAGE = readFileSync(join(ROOT, 'docs/protocol.md'), 'utf8')

/** The text below a heading, up to the next one of its rank. */
function section(title: string): string {
  const [, text] = PAGE.split(`\n## ${title}\n`)
  if (text === undefined) throw new Error(`docs/protocol.md has no section "${title}"`)
  return text.split('\n## ')[0]!
}

/** The cells of a section's tables, without heads. */
function rows(title: string): string[][] {
  const lines = section(title)
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const heads = new Set(lines.flatMap((line, index) => (/^\|( --- \|)+$/.test(line) ? [index, index - 1] : [])))
  return lines
    .filter((_, index) => !heads.has(index))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

const words = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!)
const ruleNumbers = (title: string) => [...section(title).matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))

/** Every "client rule 4" and "server rules 1 and 2" in the repository's own files, with where it stands. */
function citations() {
  return ['src', 'test', 'bench', 'demo', 'stories', 'examples', 'docs'].flatMap((folder) =>
    listFiles(folder, /\.(tsx?|md|mjs|go|ex|exs|cs)$/).flatMap((path) =>
      [
        ...readFileSync(join(ROOT, folder, path), 'utf8').matchAll(
          /\b(client|server) rules? (\d+(?:(?:, | and )\d+)*)/gi,
        ),
      ].flatMap(([, side, numbers]) =>
        numbers!
          .split(/, | and /)
          .map((number) => ({ at: `${folder}/${path}`, rule: `${side!.toLowerCase()} rule ${number}` })),
      ),
    ),
  )
}

const RULES = [
  ...ruleNumbers('Client rules: what a client does').map((n) => `client rule ${n}`),
  ...ruleNumbers('Server rules: what a server does').map((n) => `server rule ${n}`),
]

describe('the page of the protocol', () => {
  it.each([
    ['From the client', clientSamples],
    ['From the server', serverSamples],
  ] as const)(
    'names each frame %s, with just the fields that the code reads',
    (title, samples: readonly Sample<unknown>[]) => {
      const told = Object.fromEntries(rows(title).map(([name, fields]) => [words(name!)[0], words(fields!).sort()]))
      const read = Object.fromEntries(
        samples.map(({ wire, rules }) => [
          wire['type'],
          Object.entries(rules)
            .map(([field, { optional }]) => `${field}${optional ? '?' : ''}`)
            .sort(),
        ]),
      )
      expect(told).toEqual(read)
    },
  )

  it('states the bounds that the code holds', () => {
    const numbers = rows('Transport').map(([what, bound]) => [
      what,
      Number(bound!.match(/([\d,]+) characters/)![1]!.replaceAll(',', '')),
    ])
    expect(Object.fromEntries(numbers)).toEqual({
      'ids, error codes': MAX_ID,
      'topic names': MAX_TOPIC,
      epochs: MAX_EPOCH,
      tokens: MAX_TOKEN,
      '`message`, `reason`': MAX_WORDS,
    })
  })

  it('has rules that are numbered without a hole, and every rule that anything cites', () => {
    expect(ruleNumbers('Client rules: what a client does')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(ruleNumbers('Server rules: what a server does')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(citations().filter(({ rule }) => !RULES.includes(rule))).toEqual([])
  })

  it('has no rule that no test pins', () => {
    const pinned = new Set(
      citations()
        .filter(({ at }) => at.startsWith('test/'))
        .map(({ rule }) => rule),
    )
    expect(RULES.filter((rule) => !pinned.has(rule))).toEqual([])
  })

  it('is the only contract: nothing cites a document that is not in the repository', () => {
    const elsewhere = ['src', 'test', 'bench', 'demo', 'stories', 'examples'].flatMap((folder) =>
      listFiles(folder, /\.(tsx?|mjs)$/)
        .filter((path) =>
          /\b(PROTOCOL|DESIGN)(\.md\b|, client|, server|'s\b)/.test(readFileSync(join(ROOT, folder, path), 'utf8')),
        )
        .map((path) => `${folder}/${path}`),
    )
    expect(elsewhere).toEqual([])
  })
})

describe('its tables of errors and close codes', () => {
  const errors = rows('Errors').filter(([code]) => /^`[a-z-]+`/.test(code!))
  const closes = rows('Errors').filter(([code]) => /^\d|^other/.test(code!))
  const leg = { opened: true, welcomed: true, onlyMe: false, leaving: false, asked: false } as const

  it('close with the codes that the server closes with', () => {
    const told = Object.fromEntries(
      errors.filter(([, close]) => close !== '–').map(([code, close]) => [words(code!)[0], Number(close)]),
    )
    expect(told).toEqual({ ...CLOSE_CODES })
  })

  const meanings: readonly (readonly [RegExp, (verdict: Verdict) => boolean])[] = [
    [/^(stays closed|stops)|without an answer it stops$/, ({ do: what }) => what === 'stop'],
    [/gives up after three in a row/, (verdict) => verdict.do === 'retry' && verdict.bad === true],
    [/^fetches a new token|^as `unauthorized`/, ({ do: what }) => what === 'renew-token'],
    [/waits `retryAfter`/, (verdict) => verdict.do === 'retry' && verdict.backoff === 'busy'],
    [/at once$|^that publish fails/, (verdict) => verdict.do === 'retry' && verdict.backoff === 'early'],
    [/spread|^the same|backs off/, (verdict) => verdict.do === 'retry' && verdict.backoff === 'spread' && !verdict.bad],
  ]
  const meaning = (text: string) => {
    const found = meanings.find(([words]) => words.test(text))
    if (!found) throw new Error(`No verdict is known for "${text}"`)
    return found[1]
  }

  it.each(
    errors
      .filter(([, close]) => close !== '–')
      .map(([code, close, does]) => [words(code!)[0]!, Number(close), does!] as const),
  )('error %s, closed with %i: %s', (code, close, does) => {
    const error = {
      code,
      message: '',
      ...(code === 'too-large' ? { id: 'p' } : undefined),
      ...(code === 'busy' ? { retryAfter: 1 } : undefined),
    }
    expect(meaning(does)(closeVerdict({ ...leg, code: close, error }))).toBe(true)
  })

  const numbered = closes.flatMap(([cell, does]) =>
    cell === '1008, 3000 / 3003 / 3008'
      ? ([
          [1008, 'as `unauthorized`'],
          [3000, 'as `unauthorized`'],
          [3003, 'stops'],
          [3008, 'backs off'],
        ] as const)
      : cell!.startsWith('other')
        ? ([
            [3500, 'backs off'],
            [4000, 'backs off'],
            [4399, 'backs off'],
            [4500, 'backs off'],
            [4999, 'backs off'],
          ] as const)
        : cell!.split(/, |–/).map((code) => [Number(code), does!] as const),
  )
  it.each(numbered)('close code %i: %s', (code, does) => {
    expect(meaning(does)(closeVerdict({ ...leg, code }))).toBe(true)
  })
})
