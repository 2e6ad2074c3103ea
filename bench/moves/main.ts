import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createPromises, ms } from '../../test/kit/table.js'
import { writeResults } from '../kit/results.js'
import { reportForeign } from './report-foreign.js'
import { reportLast, reportRequests } from './report-promises.js'
import { heapGrowth, runMoves } from './run-moves.js'

const { values } = parseArgs({
  options: {
    moves: { type: 'string' },
    foreign: { type: 'boolean', default: false },
    only: { type: 'string' },
    // How many requests at a time; and how many messages a second, while new clients begin with the last ones.
    requests: { type: 'string' },
    last: { type: 'string' },
  },
})
const asked = values.foreign ? 100 : values.requests || values.last ? 1_000 : 10_000
const moves = Number(values.moves ?? asked)
if (!Number.isInteger(moves) || moves < 10) {
  console.error(`--moves must be a whole number from 10 on, not "${values.moves}".`)
  process.exit(2)
}
if (values.foreign) {
  await reportForeign(moves, values.only)
  process.exit()
}
if (values.requests !== undefined) process.exit(await reportRequests(moves, Number(values.requests)))
if (values.last !== undefined) process.exit(await reportLast(moves, Number(values.last)))

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`
console.log(
  `${moves} handovers in a row, 200 messages a second each way, on ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`,
)
const result = await runMoves(moves, (move, heap) =>
  console.log(`  ${String(move).padStart(6)} handovers   live heap ${mib(heap)}`),
)

const promises = createPromises()
const counts = ({ lost, repeated, reordered, gaps }: (typeof result)['down']) =>
  `${lost}/${repeated}/${reordered}, ${gaps} gaps`
const clean = ({ lost, repeated, reordered, gaps }: (typeof result)['down']) => lost + repeated + reordered + gaps === 0
const growth = heapGrowth(result.heap)
promises.check('every request was a handover', result.moves === moves, `${result.moves} handovers`)
promises.check(
  'down: nothing lost, repeated, out of order',
  clean(result.down),
  `${counts(result.down)} of ${result.sent.down}`,
)
promises.check(
  'up: nothing lost, repeated, out of order',
  clean(result.up),
  `${counts(result.up)} of ${result.sent.up}`,
)
promises.check('every publish answered', result.answered === result.sent.up, `${result.answered} of ${result.sent.up}`)
promises.check('never a moment not live', result.down.notLive === 0, ms(result.down.notLive))
promises.check('heap flat, ± 2 %', Math.abs(growth) <= 0.02, `${(growth * 100).toFixed(2)} %`)
console.log(`\n${promises.lines()}\n`)
writeResults('moves', {
  json: JSON.stringify({ ...result, growth, broken: promises.broken }, null, 2),
  md: `## Handovers\n\n${promises.lines()}`,
})
console.log(
  `Request to cutover: median ${ms(result.cutover.median)}, longest ${ms(result.cutover.longest)}. Took ${(result.took / 1_000).toFixed(0)} s.`,
)
process.exitCode = promises.broken > 0 ? 1 : 0
