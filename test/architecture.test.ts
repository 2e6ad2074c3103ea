import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { listFiles, readSourceFile, readSourceFiles, ROOT, type SourceFile } from './kit/source-files.js'

const files = readSourceFiles()

const PARTS = ['topics', 'publishes', 'requests', 'signals', 'tokens', 'legs', 'foreign']

const CORE = ['base', 'policy', 'protocol', 'host', ...PARTS, 'options', 'handover', 'socket', '']

/** What each room of src/ may import, besides itself. `''` are the files that lie in src/ itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  policy: ['base'],
  protocol: ['base'],
  host: ['base'],
  topics: ['base', 'protocol'],
  publishes: ['base', 'protocol'],
  requests: ['base', 'protocol', 'publishes'],
  signals: ['base', 'protocol', 'publishes'],
  tokens: ['base', 'policy', 'host'],
  legs: ['base', 'policy', 'protocol'],
  foreign: ['base', 'protocol', 'topics'],
  options: ['base', 'policy', 'protocol', 'host', 'tokens', 'requests', 'signals'],
  handover: ['base', 'policy', 'protocol', 'host', ...PARTS, 'options'],
  socket: [
    'base',
    'policy',
    'protocol',
    'host',
    ...PARTS.filter((part) => part !== 'legs' && part !== 'foreign'),
    'options',
    'handover',
  ],
  '': CORE,
  vanilla: CORE,
  'script-tag': [...CORE, 'history', 'presence', 'vanilla'],
  history: CORE,
  presence: CORE,
  query: CORE,
  opentelemetry: CORE,
  react: [...CORE, 'presence'],
  devtools: CORE,
  testing: CORE,
  server: ['base', 'policy', 'protocol'],
  presets: ['base', 'protocol', 'foreign'],
  cli: ['base', 'policy', 'protocol', 'server'],
}

/**
 * The same within the server: what each of its rooms may import, besides itself and the ground. `''` are the files at
 * its root that put it together; no room may know them.
 */
const SERVER_MAY_IMPORT: Record<string, readonly string[]> = {
  ground: [],
  log: [],
  topics: ['log'],
  identity: [],
  admission: [],
  publishes: ['identity', 'log'],
  requests: ['identity', 'log', 'topics'],
  signals: ['log', 'topics'],
  upgrade: [],
  presence: ['identity', 'log'],
  legs: ['identity', 'admission', 'log', 'topics', 'publishes', 'requests', 'signals', 'presence'],
  drain: ['legs'],
  redis: ['log'],
  opentelemetry: [],
  '': [
    'log',
    'topics',
    'identity',
    'admission',
    'publishes',
    'requests',
    'signals',
    'presence',
    'upgrade',
    'legs',
    'drain',
  ],
}

/** Files at the server's root that every room of it may know, and that know none. */
const SERVER_GROUND = [
  'arrival',
  'attempt',
  'bounds',
  'counters',
  'delivery-times',
  'distribution',
  'failure',
  'filter',
  'limits',
  'maybe-promise',
  'metric',
  'reconnect-spread',
  'refused',
  'reporter',
  'request',
  'request-listener',
  'request-refusal',
  'server-event',
  'session-event',
  'timings',
  'tracing',
]

/** Which files may import a package; every package in it is a dependency or a peer. */
const PACKAGES: Record<string, RegExp> = {
  'reconnecting-websocket': /^legs\/leg\.ts$/,
  zustand: /^(socket\/store\.ts$|react\/|devtools\/)/,
  nanoid: /./,
  '@standard-schema/spec': /./,
  react: /^(react|devtools)\//,
  'react-dom': /^devtools\//,
  ws: /^(server|cli)\//,
  redis: /^server\/redis\//,
  '@opentelemetry/api': /^(server\/)?opentelemetry\//,
}

/** Time, randomness and sockets come in as arguments; these are the doors through which they come. */
const GLOBALS: Record<string, RegExp> = Object.fromEntries([
  ...[
    'setTimeout',
    'setInterval',
    'setImmediate',
    'requestAnimationFrame',
    'requestIdleCallback',
    'Date.now',
    'new Date()',
    'performance.now',
    'Math.random',
    'AbortSignal.timeout',
  ].map((name) => [name, /^base\/clock\.ts$/]),
  ['new WebSocket', /^legs\/leg\.ts$/],
])

/**
 * What stands around src/, and what each may import besides itself and src/: there is one kit, made for all of them.
 * What of it needs a test runner is for tests alone.
 */
const AROUND: Record<string, readonly string[]> = {
  'test/kit': [],
  bench: ['test/kit'],
  demo: ['test/kit'],
  examples: ['test/kit'],
  stories: ['test/kit', 'bench'],
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
/** The room within the server of a file below src/. */
function serverRoomOf(path: string): string {
  const [, room, file] = path.split('/')
  if (file !== undefined) return room!
  return SERVER_GROUND.includes(room!.replace(/\.ts$/, '')) ? 'ground' : ''
}
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** What is wrong with one file of the server that imports another one. */
function serverFaults(path: string, file: string): string[] {
  const [from, to] = [serverRoomOf(path), serverRoomOf(file)]
  const allowed = SERVER_MAY_IMPORT[from]
  if (!allowed) return [`src/server/${from}/ has no place in the layout: give it one in SERVER_MAY_IMPORT`]
  if (to === from || to === 'ground' || allowed.includes(to)) return []
  return [
    to === 'redis'
      ? `src/${path} imports src/${file}: the server must do without Redis`
      : `src/${path} imports src/${file}: server/${from || ' at its root'} may not know server/${to || ' at its root'}`,
  ]
}

/** What is wrong with the imports and the globals of one file, each in a sentence. */
function faults({ path, text, imports, globals }: SourceFile): string[] {
  const folder = folderOf(path)
  const allowed = MAY_IMPORT[folder]
  const say: string[] = []
  if (!allowed) say.push(`src/${folder}/ has no place in the layout: give it one in MAY_IMPORT`)
  for (const { specifier, file } of imports) {
    if (file !== undefined) {
      const target = folderOf(file)
      if (target !== folder && !allowed?.includes(target))
        say.push(`src/${path} imports ${specifier}: ${folder || 'src'}/ may not know ${target || 'src'}/`)
      if (folder !== '' && file === 'index.ts')
        say.push(`src/${path} imports the public entry: import what it means from where it is`)
      if (folder === 'server' && target === 'server') say.push(...serverFaults(path, file))
    } else if (specifier.startsWith('node:')) {
      if (folder !== 'server' && folder !== 'cli')
        say.push(`src/${path} imports ${specifier}: only the server and the command line run in Node alone`)
    } else {
      const where = PACKAGES[packageOf(specifier)]
      if (!where) say.push(`src/${path} imports ${specifier}, which is not in PACKAGES`)
      else if (!where.test(path)) say.push(`src/${path} imports ${specifier}, which only ${where} may`)
    }
  }
  for (const [name, where] of Object.entries(GLOBALS)) {
    if (globals.has(name) && !where.test(path))
      say.push(`src/${path} uses ${name}: only ${where} may, all others are given a Clock, a Random or a socket`)
  }
  if (
    folder === 'react' &&
    imports.some(({ specifier, typeOnly }) => specifier === 'react' && !typeOnly) &&
    !/^(\/\*[\s\S]*?\*\/\s*)?['"]use client['"]/.test(text)
  ) {
    say.push(`src/${path} uses React and does not begin with 'use client'`)
  }
  return say
}

/** Lines that a screen or two hold. */
const LONGEST_FUNCTION = 120

/** Functions that are too long, where no comment above them says why. */
function longFunctions({ path, functions }: SourceFile): string[] {
  return functions
    .filter(({ lines, reason }) => lines > LONGEST_FUNCTION && reason === undefined)
    .map(
      ({ line, lines }) => `src/${path}:${line} is a function of ${lines} lines: \`Long because …\` above it says why`,
    )
}

describe('the layout of src/', () => {
  it('has imports that point one way, and one file each for time, randomness and sockets', () => {
    expect(files.flatMap(faults)).toEqual([])
  })

  it('has no import cycle, types counted', () => {
    expect(cycles()).toEqual([])
  })

  it('has files whose names say what is in them', () => {
    const vague = files
      .map(({ path }) => path)
      .filter((path) => /(^|[-/])(utils?|helpers?|common|managers?|misc|impl)([-./]|$)/i.test(path))
    expect(vague).toEqual([])
    expect(files.map(({ path }) => path).filter((path) => /[^a-z0-9/.-]/.test(path))).toEqual([])
  })

  it('has a test for every file with code: the test with its name, one that imports it, or the test of a file in its folder that uses it', () => {
    const tests = listFiles('test', /\.test\.tsx?$/)
    const imported = new Set(
      listFiles('test', /\.tsx?$/).flatMap((path) =>
        [
          ...readFileSync(join(ROOT, 'test', path), 'utf8').matchAll(
            /['"](?:(?:\.\.\/)+src\/(.+?)\.jsx?|livesocket(\/[a-z/]+)?)['"]/g,
          ),
        ].map(([, stem, subpath = '']) => stem ?? `${subpath}/index`.slice(1)),
      ),
    )
    const tested = files.filter(({ path }) => {
      const stem = path.replace(/\.tsx?$/, '')
      return imported.has(stem) || tests.some((test) => test.startsWith(`${stem.replace(/\/index$/, '')}.`))
    })
    for (const { path, imports } of tested) {
      tested.push(
        ...files.filter(
          (file) =>
            !tested.includes(file) &&
            folderOf(file.path) === folderOf(path) &&
            imports.some((one) => one.file === file.path),
        ),
      )
    }
    expect(files.filter((file) => file.hasCode && !tested.includes(file)).map(({ path }) => `src/${path}`)).toEqual([])
  })

  it(`has no function of more than ${LONGEST_FUNCTION} lines, unless a comment above it says why`, () => {
    expect(files.flatMap(longFunctions)).toEqual([])
  })

  it('imports only packages that an installation provides', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >
    const brought = { ...dependencies, ...peerDependencies }
    const imported = new Set(
      files.flatMap(({ imports }) =>
        imports
          .filter(({ file, specifier }) => !file && !specifier.startsWith('node:'))
          .map(({ specifier }) => packageOf(specifier)),
      ),
    )
    expect([...imported].filter((name) => !(name in brought))).toEqual([])
    expect(Object.keys(dependencies!).filter((name) => !imported.has(name))).toEqual([])
  })
})

describe('the layout around src/', () => {
  const paths = new Set(
    Object.keys(AROUND).flatMap((room) => listFiles(room, /\.([tj]sx?|mjs)$/).map((file) => `${room}/${file}`)),
  )
  const around = [...paths]
    .filter((path) => !path.includes('.test.') && !path.endsWith('.d.ts'))
    .map((path) => readSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), paths))
  const roomOf = (path: string) => Object.keys(AROUND).find((room) => path.startsWith(`${room}/`))

  it('has one kit that imports only src/, and that demo, bench, stories and tests share', () => {
    const faults = around.flatMap(({ path, imports }) => {
      const room = roomOf(path)!
      return imports
        .filter(({ file }) => file && !/^(src|build)\//.test(file) && ![room, ...AROUND[room]!].includes(roomOf(file)!))
        .map(({ file }) => `${path} imports ${file}, which ${room}/ may not know`)
    })
    expect(faults).toEqual([])
  })

  it('has parts that need a test runner only in tests', () => {
    const runners = new Set(
      around.filter(({ imports }) => imports.some(({ specifier }) => specifier === 'vitest')).map(({ path }) => path),
    )
    for (const runner of runners)
      for (const { path, imports } of around) if (imports.some(({ file }) => file === runner)) runners.add(path)
    expect([...runners].filter((path) => roomOf(path) !== 'test/kit')).toEqual([])
  })
})

describe('the check itself', () => {
  const paths = new Set([
    'link/leg.ts',
    'topics/merge.ts',
    'handover/machine.ts',
    'base/clock.ts',
    'index.ts',
    'server/redis/redis-log.ts',
    'server/limits.ts',
    'server/live-server.ts',
    'server/legs/server-leg.ts',
    'server/drain/drain.ts',
  ])
  it.each([
    { path: 'topics/merge.ts', text: "import { step } from '../handover/machine.js'" },
    { path: 'topics/merge.ts', text: "export type { State } from '../handover/machine.js'" },
    { path: 'topics/merge.ts', text: "const machine = await import('../handover/machine.js')" },
    { path: 'policy/delay.ts', text: "import { readFile } from 'node:fs'" },
    { path: 'policy/delay.ts', text: "import Socket from 'reconnecting-websocket'" },
    { path: 'policy/delay.ts', text: "import leftPad from 'left-pad'" },
    { path: 'react/hooks.ts', text: "'use client'\nimport { createLiveSocket } from '../index.js'" },
    { path: 'react/hooks.ts', text: "import { useState } from 'react'" },
    { path: 'server/index.ts', text: "import { redisLog } from './redis/redis-log.js'" },
    { path: 'server/legs/x.ts', text: "import type { LiveServer } from '../live-server.js'" },
    { path: 'server/legs/x.ts', text: "import type { Drain } from '../drain/drain.js'" },
    { path: 'server/limits.ts', text: "import type { ServerLeg } from './legs/server-leg.js'" },
    { path: 'server/misplaced/x.ts', text: "import { serverLimits } from '../limits.js'" },
    { path: 'misplaced/x.ts', text: 'export const x = 1' },
    { path: 'policy/delay.ts', text: 'setTimeout(() => {}, 5)' },
    { path: 'policy/delay.ts', text: 'globalThis.setTimeout(() => {}, 5)' },
    { path: 'policy/delay.ts', text: 'const later = setTimeout' },
    { path: 'policy/delay.ts', text: 'export const now = () => Date.now()' },
    { path: 'policy/delay.ts', text: 'export const now = () => new Date()' },
    { path: 'policy/delay.ts', text: 'export const now = () => window.performance.now()' },
    { path: 'policy/delay.ts', text: 'export const random = Math.random' },
    { path: 'policy/delay.ts', text: "export const socket = new WebSocket('wss://x')" },
    { path: 'policy/delay.ts', text: "export const socket = new globalThis.WebSocket('wss://x')" },
  ])('finds the fault in $path: $text', ({ path, text }) => {
    expect(faults(readSourceFile(path, text, paths))).not.toEqual([])
  })

  it.each([
    {
      path: 'policy/delay.ts',
      text: "import type { Clock } from '../base/clock.js'\nexport const later = (clock: Clock) => clock.setTimeout(() => {}, 5)",
    },
    {
      path: 'policy/delay.ts',
      text: '// setTimeout and Date.now() in a comment, and "Math.random()" in a string\nexport const text = "setTimeout(x)"',
    },
    {
      path: 'policy/delay.ts',
      text: 'export interface Clock { setTimeout(): void }\nexport const clock = { setTimeout() {} }',
    },
  ])('finds no fault in $text', ({ path, text }) => {
    expect(faults(readSourceFile(path, text, paths))).toEqual([])
  })

  const long = `function long() {${'\n'.repeat(LONGEST_FUNCTION)}}`
  const short = `function short() {${'\n'.repeat(LONGEST_FUNCTION - 1)}}`
  it.each([
    ['a function', long, 1],
    ['a closure and what it is in', `const long = () => {\n${long}\n}`, 2],
    ['a method', `class Long {\n${long.replace('function ', '')}\n}`, 1],
    ['one with a comment that gives no reason', `// Long.\n${long}`, 1],
    ['none that is short', short, 0],
    ['none with its reason', `/**\n * Does it.\n * Long because it is a table.\n */\n${long}`, 0],
    ['none within one with its reason', `// Long because it is a table.\nconst long = () => {\n${long}\n}`, 0],
    ['none around one with its reason', `const short = () => {\n// Long because it is a table.\n${long}\n}`, 0],
    ['one below another one with a reason', `// Long because it is a table.\n${long}\n${long}`, 1],
  ])('finds among long functions %s', (_, text, count) => {
    expect(longFunctions(readSourceFile('base/long.ts', text, paths))).toHaveLength(count)
  })
})

function cycles(): string[] {
  const uses = new Map(
    files.map(({ path, imports }) => [path, imports.filter(({ file }) => file).map(({ file }) => file!)]),
  )
  const done = new Set<string>()
  const found: string[] = []
  function walk(path: string, trail: readonly string[]) {
    if (trail.includes(path)) return void found.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
    if (done.has(path)) return
    for (const next of uses.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of uses.keys()) walk(path, [])
  return found
}
