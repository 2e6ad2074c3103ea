import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { version as reactVersion } from 'react'
import { createPromises } from '../../test/kit/table.js'
import { BUDGET } from '../bytes/budget.js'
import { measureBytes } from './bytes.js'
import { countSockets, runHooks, servePage, startFeed, timeTransition, WAYS } from './hooks.js'
import type { Measured } from './page/meter.js'
import { writeResults } from '../kit/results.js'
import { launchPlainBrowser } from '../kit/plain-browser.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
  },
})
const [rounds, messages, perSecond] = [values.rounds, values.messages, values.rate].map((text) => {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  console.error(`--rounds, --messages and --rate are whole numbers from 1 on, not "${text}".`)
  process.exit(2)
}) as [number, number, number]

const LIVESOCKET = 'livesocket'
const BY_HAND = 'hand-written frame store'
const CONTENDERS = [LIVESOCKET, BY_HAND, 'react-use-websocket', 'partysocket']
const ROWS = [0, 200]
const CELLS = 100
const COMPONENTS = 3
/** Messages that do not count at the beginning of each page, because the code of a new page is not compiled yet. */
const WARM_UP = 2_000
/** One frame at 60 frames a second, ms. */
const FRAME = 17

interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

interface Row {
  readonly contender: string
  readonly rows: number
  readonly seen: Spread
  readonly inOrder: boolean
  readonly renders: Spread
  /** Milliseconds from the server's send to the commit. */
  readonly p50: Spread
  readonly p99: Spread
  /** Milliseconds for which the page's thread was busy. Other load on the machine hardly changes this number. */
  readonly busy: Spread
}

const say = values.json ? () => {} : (text: string) => console.log(text)
const [browser, page, feed] = await Promise.all([launchPlainBrowser(), servePage('production'), startFeed()])
const about = `React ${reactVersion}, production build, ${browser.product}, ${cpus().length} × ${cpus()[0]?.model.trim()}`
say(
  `${messages} messages at ${perSecond}/s into one component, after ${WARM_UP} that do not count, ${rounds} rounds; ${about}`,
)

const to = (contender: string) => (contender === LIVESOCKET ? 'live' : 'raw') as 'live' | 'raw'
const runs = new Map<string, (Measured & { readonly busy: number })[]>()
// The first page of a browser also pays for the browser's start.
await runHooks(browser, page.url, feed, {
  contender: LIVESOCKET,
  feed: { to: 'live', topic: 'ticks', messages: 500, perSecond },
})
for (let round = 1; round <= rounds; round++) {
  // In turns, and each round begins with another contender, so that other load on the machine affects all of them.
  const order = [...CONTENDERS.slice(round % CONTENDERS.length), ...CONTENDERS.slice(0, round % CONTENDERS.length)]
  for (const rows of ROWS) {
    for (const contender of order) {
      const { measured, busy } = await runHooks(browser, page.url, feed, {
        contender,
        rows,
        warmUp: WARM_UP,
        feed: { to: to(contender), topic: 'ticks', messages, perSecond },
      })
      const name = `${contender}/${rows}`
      runs.set(name, [...(runs.get(name) ?? []), { ...measured, busy }])
    }
  }
  say(`  round ${round} of ${rounds}`)
}

const table: Row[] = ROWS.flatMap((rows) =>
  CONTENDERS.map((contender) => {
    const measured = runs.get(`${contender}/${rows}`)!
    return {
      contender,
      rows,
      seen: spread(measured.map(({ seen }) => seen)),
      inOrder: measured.every(({ inOrder }) => inOrder),
      renders: spread(measured.map(({ renders }) => renders)),
      p50: spread(measured.map(({ latencies }) => percentile(latencies, 0.5))),
      p99: spread(measured.map(({ latencies }) => percentile(latencies, 0.99))),
      busy: spread(measured.map(({ busy }) => busy)),
    }
  }),
)

/** How many of 100 components, each with a topic of its own, rendered for 100 messages in one of the topics. */
const affected: Record<string, number> = {}
for (const contender of CONTENDERS) {
  const { cells } = await runHooks(browser, page.url, feed, {
    contender,
    cells: CELLS,
    feed: { to: to(contender), topic: 'cell-42', messages: 100, perSecond: 200 },
  })
  affected[contender] = cells.filter((renders) => renders > 0).length
}
/** How many sockets three components in StrictMode opened, and how many are open after the components have gone. */
const sockets: Record<string, { opened: number; left: number }> = {}
const strict = await servePage('development')
for (const contender of CONTENDERS) {
  // A hand-written store has no hook that opens it.
  if (contender !== BY_HAND)
    sockets[contender] = await countSockets(browser, strict.url, feed, { contender, components: COMPONENTS })
}
strict.close()
/** The milliseconds of a 300 ms transition beside a topic that changes every 50 ms, by the way the topic is shown. */
const transitions: Record<string, number> = {}
for (const way of WAYS) transitions[way] = await timeTransition(browser, page.url, feed, way)
await browser.close()
page.close()
feed.close()
const bytes = await measureBytes()

const row = (contender: string, rows: number) => table.find((one) => one.contender === contender && one.rows === rows)!
const promises = createPromises()
for (const rows of ROWS) {
  const [ours, theirs] = [row(LIVESOCKET, rows), row(BY_HAND, rows)]
  const name = rows === 0 ? 'trivial' : `${rows} rows`
  promises.check(
    `${name}: all seen, in order`,
    ours.seen.least === messages && ours.inOrder,
    `${ours.seen.least} of ${messages}`,
  )
  promises.check(
    `${name}: renders at most the hand-written store's + 10 %`,
    ours.renders.median <= theirs.renders.median * 1.1,
    `${ours.renders.median} against ${theirs.renders.median}`,
  )
  promises.check(
    `${name}: p99 at most the hand-written store's + one frame`,
    ours.p99.median <= theirs.p99.median + FRAME,
    `${ours.p99.median} against ${theirs.p99.median} ms`,
  )
}
promises.check(
  `one of ${CELLS} components affected: one renders`,
  affected[LIVESOCKET] === 1,
  `${affected[LIVESOCKET]}`,
)
promises.check(
  `${COMPONENTS} components in StrictMode: one socket, none left`,
  sockets[LIVESOCKET]!.opened === 1 && sockets[LIVESOCKET]!.left === 0,
  `${sockets[LIVESOCKET]!.opened} opened, ${sockets[LIVESOCKET]!.left} left`,
)
const hooksBudget = BUDGET['React hooks, over the core']!
promises.check(`hooks over the core, gzip: at most ${hooksBudget} B`, bytes.hooks <= hooksBudget, `${bytes.hooks} B`)

const report = JSON.stringify(
  {
    about,
    warmUp: WARM_UP,
    messages,
    perSecond,
    rounds,
    table,
    affected,
    sockets,
    transitions,
    bytes,
    broken: promises.broken,
  },
  null,
  2,
)
writeResults('react', { json: report, md: `## Hooks\n\n${about}\n\n${promises.lines()}` })
if (values.json) console.log(report)
else {
  const show = ({ median, least, most }: Spread) => (least === most ? `${median}` : `${median} (${least}–${most})`)
  console.table(
    table.map(({ contender, rows, seen, inOrder, renders, p50, p99, busy }) => ({
      rows: rows || 'trivial',
      hook: contender,
      seen: show(seen),
      'in order': inOrder,
      renders: show(renders),
      'p50, ms': show(p50),
      'p99, ms': show(p99),
      'busy, ms': show(busy),
    })),
  )
  console.log(
    `Of ${CELLS} components on one socket, one of them affected, rendered: ${CONTENDERS.map((contender) => `${contender} ${affected[contender]}`).join(', ')}`,
  )
  console.log(
    `Sockets that ${COMPONENTS} components in StrictMode opened, and that stay open after the components have gone: ${Object.entries(
      sockets,
    )
      .map(([contender, { opened, left }]) => `${contender} ${opened} and ${left}`)
      .join(', ')}`,
  )
  console.log(
    `A transition of 300 ms beside a topic that changes every 50 ms: ${WAYS.map((way) => `${way} ${transitions[way]} ms`).join(', ')}`,
  )
  console.log(
    `Bytes, gzip, without React: core ${bytes.core}, hooks over it ${bytes.hooks}; ${Object.entries(bytes.peers)
      .map(([name, size]) => `${name} ${size}`)
      .join(', ')}`,
  )
  console.log(`\n${promises.lines()}`)
}
process.exitCode = promises.broken > 0 ? 1 : 0

function spread(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b)
  return { median: sorted[(sorted.length - 1) >> 1]!, least: sorted[0]!, most: sorted.at(-1)! }
}

function percentile(numbers: readonly number[], share: number): number {
  return [...numbers].sort((a, b) => a - b)[Math.ceil(numbers.length * share) - 1] ?? Number.NaN
}
