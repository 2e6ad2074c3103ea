import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../../test/kit/table.js'
import { packInto } from '../kit/pack.js'
import { writeResults } from '../kit/results.js'
import {
  conformanceLines,
  installRuntimes,
  seenAfterAbsence,
  seenInMoves,
  seenInReturn,
  type Seen,
} from './run-runtimes.js'
import { RUNTIMES, type Runtime } from './runtime.js'

const { values } = parseArgs({
  options: {
    moves: { type: 'string', default: '100' },
    rate: { type: 'string', default: '500' },
    kept: { type: 'string', default: '11000' },
    only: { type: 'string', default: '' },
  },
})
const options = { moves: Number(values.moves), rate: Number(values.rate), kept: Number(values.kept) }
const runtimes = RUNTIMES.filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()))
if (runtimes.length === 0 || !Object.values(options).every((value) => Number.isInteger(value) && value > 0)) {
  console.error('npm run runtimes -- [--only bun] [--moves 100] [--rate 500] [--kept 11000]')
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'livesocket-runtimes-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const peer = RUNTIMES[0]!
installRuntimes(folder, packInto(folder), [...new Set([peer, ...runtimes])])

let wrong = 0
const counts = (seen: Seen) => {
  const { lost, repeated, reordered, gaps, notLive, refused, reconnects } = seen
  const bad = lost + repeated + reordered + gaps + notLive + refused + reconnects + (seen.published - seen.echoed)
  wrong += bad > 0 ? 1 : 0
  return bad > 0 ? `BROKEN ${JSON.stringify(seen)}` : '0'
}
const rules = (lines: readonly string[]) => {
  const all = /^(\d+) hold, 0 fail, 0 could not be tried/.exec(lines.at(-1) ?? '')
  wrong += all ? 0 : 1
  return all ? all[1]! : `BROKEN ${lines.filter((line) => !line.startsWith('✓')).join(' ')}`
}
/** Runtimes without a WebSocket class of their own are not tried. */
async function own(runtime: Runtime): Promise<string> {
  if (runtime === peer) return '–'
  const { ownSocket, refused, ...took } = await seenInReturn(folder, runtime)
  const longest = Math.max(...Object.values(took))
  const right = ownSocket && refused === 'unreachable' && longest < 5_000
  wrong += right ? 0 : 1
  return right ? `${longest} ms` : `BROKEN ${JSON.stringify({ ownSocket, refused, ...took })}`
}
const rows: string[][] = []
for (const runtime of runtimes) {
  console.log(`${runtime.name} …`)
  rows.push([
    runtime.name,
    rules(await conformanceLines(folder, runtime, peer)),
    counts(await seenInMoves(folder, runtime, peer, options)),
    counts(await seenAfterAbsence(folder, runtime, peer, options)),
    rules(await conformanceLines(folder, peer, runtime)),
    counts(await seenInMoves(folder, peer, runtime, options)),
    counts(await seenAfterAbsence(folder, peer, runtime, options)),
    await own(runtime),
  ])
}
const text = table(
  [
    '',
    'as server: rules passed',
    'wrong in handovers',
    'wrong in a return',
    'as client: rules passed',
    'wrong in handovers',
    'wrong in a return',
    'own class: longest recovery',
  ],
  rows,
)
const how = `Wrong: the sum of lost, repeated and reordered messages, gaps and breaks. Handovers: ${options.moves} in a row at ${options.rate} messages a second down and 100 publishes a second up, the other side on ${peer.name}. Return: ${options.kept} kept messages of 1 kB, read slower than they are sent. Own class: the runtime's own WebSocket, with a port where nothing listens, a server that is killed, and a server that closes.`
console.log(`\n${text}\n\n${how}`)
writeResults('runtimes', {
  json: JSON.stringify({ options, rows, wrong }, null, 2),
  md: `## Runtimes\n\n${text}\n\n${how}`,
})
process.exitCode = wrong > 0 ? 1 : 0
