import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { listFiles, ROOT } from '../kit/source-files.js'

/** What a word was called by as well, and is no more. The glossary of docs/architecture.md has what words mean. */
interface Retired {
  readonly word: RegExp
  readonly instead: string
  /** Where it is somebody else's word, or one that programs outside use: what stands around it. */
  readonly but?: readonly RegExp[]
}

/** In comments, texts and documents, and so in names as well. */
const TEXTS: readonly Retired[] = [
  {
    word: /(?<!re)mov(e|es|ed|ing)(?![a-z])/gi,
    instead: 'handover, hand over; of a position: advance; of time: pass',
    but: [
      // What `drain` resolves with.
      /^(src\/server\/(drain\/drain(-run|-options)?|server-event)\.ts): .*\bmoved\b|"moved":/,
      // Redis's word for a slot that is elsewhere, MQTT's for a server that is, the canvas's for its pen, and React's.
      /^src\/server\/redis\/.*(MOVED|\bmoved\b)|the server has moved|context\.moveTo|onPointerMove/,
      // What a command is called.
      /bench:moves|--moves|MOVES=/,
    ],
  },
  { word: /\bshall\b|\bfirst first\b/gi, instead: 'is to, should; in their order' },
  { word: /\bhasten/gi, instead: 'dial sooner, retry now' },
  { word: /\btoken[- ]circle/gi, instead: 'the tabs that share a token' },
]

/** In names of files and of what is in them. */
const NAMES: readonly Retired[] = [
  {
    word: /pac(e|ed|ing)(?![a-z])/i,
    instead: 'rate of a drain, backoff of a dial, throttle of publishes',
    but: [/[sS]pac/],
  },
  { word: /(^|[a-z])[tT]end(?![a-z])/, instead: 'what it does: checkSilence, renew', but: [/[eE]xtend|[aA]ttend/] },
  { word: /outlet|withh[oe]ld|circle/i, instead: 'what it is', but: [/^circle$/] },
  { word: /application/i, instead: 'who calls: handler, option, provider', but: [/^(inA|a)pplication$/] },
  { word: /moment/i, instead: 'the option that it serves, or the time that it is', but: [/^moment$/] },
  {
    word: /(^|[a-z])[sS]tand(s|ing)?(?![a-z])/,
    instead: 'head of a topic, info of a Redis',
    but: [/[uU]nderstand/],
  },
]

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const sources = listFiles('src', /\.tsx?$/).map((path) => `src/${path}`)
const documents = [
  ...listFiles('docs', /^[^/]+\.md$/).map((path) => `docs/${path}`),
  ...listFiles('stories', /\.tsx?$/).map((path) => `stories/${path}`),
  ...listFiles('demo/page', /\.(html|js|tsx)$/).map((path) => `demo/page/${path}`),
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
]

/** Where a file has the word, with what is around it, unless that excuses it. */
function found(path: string, { word, but = [] }: Retired): string[] {
  const text = read(path)
  return [...text.matchAll(word)]
    .map(({ index }) => `${path}: ${text.slice(Math.max(0, index - 30), index + 30).replace(/\s+/g, ' ')}`)
    .filter((place) => !but.some((one) => one.test(place)))
}

/** What the code of a file names, whatever its comments and texts say. */
function namesIn(path: string): Set<string> {
  const names = new Set([basename(path).replace(/\.tsx?$/, '')])
  const text = read(path)
  if (!NAMES.some(({ word }) => word.test(text))) return names
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('type' in node && 'name' in node && /^(Private)?Identifier$/.test(String(node.type)))
      names.add(String(node.name))
    Object.values(node).forEach(visit)
  }
  visit(parseSync(path, text).program)
  return names
}

describe('one word a thing: a word that was given up does not come back', () => {
  it.each(TEXTS)('$word is $instead', (retired) => {
    expect([...sources, ...documents].flatMap((path) => found(path, retired))).toEqual([])
  })

  it('names of src/ are none that a stranger would not guess', () => {
    const odd = sources.flatMap((path) =>
      [...namesIn(path)].flatMap((name) =>
        NAMES.filter(({ word, but = [] }) => word.test(name) && !but.some((one) => one.test(name))).map(
          ({ instead }) => `${path}: ${name} is called ${instead}`,
        ),
      ),
    )
    expect(odd).toEqual([])
  })
})
