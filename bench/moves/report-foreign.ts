import { createPromises, table } from '../../test/kit/table.js'
import { writeResults } from '../kit/results.js'
import { FOREIGN, foreignMoves, type ForeignMoves } from './foreign-moves.js'

/** Each kind of server after the other. `only`: those whose name bears it. */
export async function reportForeign(moves: number, only = '') {
  const rows: ForeignMoves[] = []
  const promises = createPromises()
  console.log(`${moves} moves in front of each server, 500 messages a second, a round trip of 50 ms`)
  for (const kind of Object.keys(FOREIGN).filter((name) => name.includes(only))) {
    try {
      for (const row of await foreignMoves(kind, moves)) {
        rows.push(row)
        const { oldPath, lost, repeated, reordered, gaps, reconnects, messages } = row
        promises.check(
          `${kind}, the old path ${oldPath}: nothing lost, repeated, out of order`,
          lost + repeated + reordered + gaps + reconnects === 0 && row.moves >= moves,
          `${lost}/${repeated}/${reordered}, ${gaps} gaps, ${reconnects} breaks, of ${messages}`,
        )
      }
    } catch (thrown) {
      promises.check(`${kind}: it ran`, false, String(thrown))
    }
    console.log(promises.lines().split('\n').slice(-2).join('\n'))
  }
  const head = ['server', 'old path', 'moves', 'messages', 'lost', 'repeated', 'out of order']
  const cells = rows.map((row) => [
    row.kind,
    row.oldPath,
    row.moves,
    row.messages,
    row.lost,
    row.repeated,
    row.reordered,
  ])
  const md = table(
    head,
    cells.map((row) => row.map(String)),
  )
  console.log(`\n${md}`)
  writeResults('foreign-moves', { json: JSON.stringify({ rows, broken: promises.broken }, null, 2), md })
  process.exitCode = promises.broken > 0 ? 1 : 0
}
