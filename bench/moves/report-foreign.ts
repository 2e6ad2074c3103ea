import { createPromises, table } from '../../test/kit/table.js'
import { writeResults } from '../kit/results.js'
import { FOREIGN, foreignMoves, type ForeignMoves } from './foreign-moves.js'
import { phoenixPushes } from './phoenix-pushes.js'

const PUSHES = 'Phoenix (a stand-in), pushes'

/** Tests each kind of server in turn. `only`: the kinds whose name contains this text. */
export async function reportForeign(moves: number, only = '') {
  const rows: ForeignMoves[] = []
  const promises = createPromises()
  console.log(`${moves} handovers in front of each server, 500 messages a second, a round trip of 50 ms`)
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
  if (PUSHES.includes(only)) {
    const cuts = Math.ceil(moves / 5)
    const { pushes, answered, unknown, otherwise, untrue, twice, ...seen } = await phoenixPushes(moves, cuts)
    promises.check(
      `${PUSHES}: each handled once or reported as unknown, never twice`,
      otherwise + untrue + twice === 0,
      `${seen.moves} handovers, ${seen.cuts} cuts: of ${pushes} ${answered} answered, ${unknown} unknown, ${otherwise} otherwise, ${untrue} untrue, ${twice} twice`,
    )
    console.log(promises.lines().split('\n').at(-1))
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
