import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type as system } from 'node:os'
import { median, type Summary } from '../test/kit/checker.js'
import { oneClient, type SceneResult } from './report/one-client.js'
import { createPromises, ms, table, type Promises, type Row } from '../test/kit/table.js'
import { DRAIN, underLoad, type Group, type LoadResult } from './report/under-load.js'
import { systemClock } from '../src/base/clock.js'

const PEERS: readonly [Group, string][] = [
  ['livesocket', 'LiveSocket'],
  ['rws-fastest', 'reconnecting-websocket, fastest'],
  ['rws-default', 'reconnecting-websocket, defaults'],
  ['overlap', 'raw overlap'],
]

export interface ReportOptions {
  /** Deploys on loopback and through the relay; default 20 each. */
  deploys?: number
  print?(text: string): void
}

/** Runs all scenes without a browser, prints the tables, and returns how many promises were broken. */
export async function report({ deploys = 20, print = console.log }: ReportOptions = {}): Promise<number> {
  const start = systemClock.monotonic()
  const promises = createPromises()
  print(machine())

  for (const load of [
    { title: `${deploys} deploys on loopback`, roundTrip: 0, deploys, history: true },
    { title: `${deploys} deploys, round trip 50 ms`, roundTrip: 50, deploys, history: true },
    {
      title: '5 deploys, round trip 50 ms, servers that keep no history',
      roundTrip: 50,
      deploys: Math.min(5, deploys),
      history: false,
    },
  ]) {
    const result = await underLoad(load)
    print(`\n## ${load.title}\n\n${loadTable(result)}\n\n${publishLine(result)}`)
    judgeLoad(promises, load.title, load.deploys, result)
  }

  const rows: Row[] = []
  const scene = async (
    title: string,
    run: Parameters<typeof oneClient>[0],
    judge: (result: SceneResult, title: string) => void,
  ) => {
    const result = await oneClient(run)
    rows.push([
      title,
      sums(result.livesocket),
      sums(result.overlap),
      ...(['livesocket', 'overlap'] as const).map((side) => ms(median(result[side].silences))),
    ])
    judge(result, title)
  }
  const clean = ({ livesocket }: SceneResult, title: string) => judgeClean(promises, title, livesocket)

  let quick: SceneResult | undefined
  await scene(
    '10 handovers, round trip 50 ms, 200 msg/s',
    { history: true, rate: 200, moves: 10, from: 50, to: 50 },
    (result, title) => {
      clean(result, title)
      quick = result
    },
  )
  for (const history of [true, false]) {
    const how = history ? 'history' : 'no history'
    await scene(
      `path 150 ms to 20 ms and back, 1,000 msg/s, ${how}`,
      { history, rate: 1_000, moves: 4, from: 150, to: 20 },
      clean,
    )
  }
  const lost = { rate: 100, topics: 3, moves: 2, from: 50, to: 50, loseAfter: 100 }
  await scene('old server gone 100 ms after it asked, history', { ...lost, history: true }, ({ livesocket }, title) => {
    promises.check(`${title}: nothing lost, repeated, out of order`, noTrouble(livesocket), sums(livesocket))
  })
  await scene(
    'old server gone 100 ms after it asked, no history',
    { ...lost, history: false },
    ({ livesocket }, title) => {
      promises.check(
        `${title}: nothing repeated, nothing out of order`,
        livesocket.repeated + livesocket.reordered === 0,
        sums(livesocket),
      )
      const wanted = lost.moves * lost.topics
      const exact = livesocket.gaps === wanted && livesocket.unexplained === 0
      promises.check(
        `${title}: one gap a topic and loss, with its exact bounds`,
        exact,
        `${livesocket.gaps} gaps, ${livesocket.unexplained} messages unexplained`,
      )
    },
  )

  print(
    `\n## One client in detail\n\nlost/repeated/out of order; silence: the longest one in each handover, median over all handovers\n`,
  )
  print(table(['', 'LiveSocket', 'raw overlap', 'silence', 'raw overlap'], rows))
  if (quick) judgeSpeed(promises, quick, print)

  print(`\n## Promises\n\n${promises.lines()}\n`)
  print(
    `${promises.broken === 0 ? 'All promises kept' : `${promises.broken} promises BROKEN`}, in ${((systemClock.monotonic() - start) / 1_000).toFixed(0)} s.`,
  )
  return promises.broken
}

function loadTable({ groups, requestToCutover }: LoadResult): string {
  const rows = PEERS.map(([group, name]): Row => {
    const summary = groups[group]
    const ours = group === 'livesocket'
    return [
      name,
      String(summary.clients),
      String(summary.silences.length),
      String(summary.lost),
      String(summary.repeated),
      String(summary.reordered),
      ours ? String(summary.gaps) : '–',
      ms(median(summary.silences)),
      ms(summary.silences.at(-1)),
      ours ? `${ms(median(requestToCutover))} / ${ms(requestToCutover.at(-1))}` : '–',
      ms(summary.notLive / Math.max(1, summary.clients)),
    ]
  })
  return table(
    [
      '',
      'clients',
      'handovers',
      'lost',
      'repeated',
      'out of order',
      'gaps',
      'silence, median',
      'worst',
      'request to cutover, median / worst',
      'not live, per client',
    ],
    rows,
  )
}

function publishLine({ publishes }: LoadResult): string {
  const { sent, answered, refused, unknown, lost, appliedTwice } = publishes
  return `${sent} publishes of the LiveSocket clients: ${answered} answered, ${refused} refused, ${unknown} of unknown outcome; ${lost} lost, ${appliedTwice} applied twice.`
}

function noTrouble({ lost, repeated, reordered, gaps }: Summary): boolean {
  return lost + repeated + reordered + gaps === 0
}

function sums({ lost, repeated, reordered }: Summary): string {
  return `${lost}/${repeated}/${reordered}`
}

function judgeClean(promises: Promises, title: string, summary: Summary): void {
  promises.check(
    `${title}: nothing lost, repeated, out of order`,
    noTrouble(summary),
    `${sums(summary)}, ${summary.gaps} gaps`,
  )
  promises.check(`${title}: live all the time`, summary.notLive === 0, ms(summary.notLive))
}

function judgeLoad(promises: Promises, title: string, deploys: number, result: LoadResult): void {
  const { publishes, groups, moves } = result
  judgeClean(promises, title, groups.livesocket)
  promises.check(
    `${title}: every client handed over in every deploy`,
    moves === groups.livesocket.clients * deploys,
    `${moves} handovers`,
  )
  const settled = publishes.answered === publishes.sent && publishes.lost + publishes.appliedTwice === 0
  promises.check(
    `${title}: every publish applied once`,
    settled,
    `${publishes.answered} of ${publishes.sent} answered, ${publishes.lost} lost, ${publishes.appliedTwice} applied twice`,
  )
}

function judgeSpeed(
  promises: Promises,
  { livesocket, overlap, moves }: SceneResult,
  print: (text: string) => void,
): void {
  // The first dial was no handover.
  const dial = median(moves.dial.slice(1).sort((a, b) => a - b))
  const cutover = median([...moves.requestToCutover].sort((a, b) => a - b))
  const both = median([...moves.overlap].sort((a, b) => a - b))
  print(
    `\nMedians of the 10 handovers: request to cutover ${ms(cutover)}, of which the dial took ${ms(dial)}; both legs were open for ${ms(both)}.`,
  )
  const silence = median(livesocket.silences)
  const bound = median(overlap.silences) + 5
  promises.check(
    'silence of a handover at most that of a raw overlap + 5 ms, medians of 10',
    silence <= bound,
    `${silence.toFixed(1)} ms against ${bound.toFixed(1)} ms`,
  )
  promises.check(
    'request to cutover at most a dial + 1 round trip + 10 ms, medians of 10',
    cutover <= dial + 60,
    `${cutover.toFixed(0)} ms against ${(dial + 60).toFixed(0)} ms`,
  )
}

function machine(): string {
  const require = createRequire(import.meta.url)
  const version = (name: string) =>
    (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as { version: string }).version
  const [cpu] = cpus()
  const versions = ['ws', 'reconnecting-websocket'].map((name) => `${name} ${version(name)}`)
  return (
    `# LiveSocket: deploys under load\n\n` +
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${system()} ${release()}; ` +
    `Node ${process.versions.node}, ${versions.join(', ')}. Clients, network and servers share one process.\n\n` +
    `Every client reads 20 messages a second, so the stream itself has silences of about 50 ms. In each deploy every server is replaced and every leg is asked\nto hand over; a leg that does not is closed ${DRAIN.deadline / 1_000} s later. The silence of a handover is the longest one from its beginning to the beginning of the client's next handover.`
  )
}
