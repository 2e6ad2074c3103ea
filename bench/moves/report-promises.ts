import { createPromises, ms, type Promises } from '../../test/kit/table.js'
import { runLast } from './run-last.js'
import { runRequests, SLOW } from './run-requests.js'

/** Resolves with the exit code. */
export async function reportRequests(moves: number, atATime: number): Promise<0 | 1> {
  console.log(`${moves} handovers in a row, ${atATime} requests at a time, of which every tenth takes ${SLOW} ms`)
  const { asked, answered, unknown, refused, wrong, again, appliedTwice, quick, slow, ...result } = await runRequests(
    moves,
    atATime,
  )
  const promises = createPromises()
  checkMoves(promises, result, moves)
  promises.check('each settled once', answered + unknown + refused === asked && again === 0, `${asked} asked`)
  promises.check(
    'each answered, with its own answer',
    answered === asked && wrong === 0,
    `${answered} answered, ${unknown} unknown, ${refused} refused`,
  )
  promises.check('none applied twice', appliedTwice === 0, `${appliedTwice}`)
  promises.check(
    'a quick request does not wait for a slow one',
    quick.most < SLOW / 2,
    `99 % within ${ms(quick.most)}, the longest ${ms(quick.longest)}; of the slow ones ${ms(slow.longest)}`,
  )
  promises.check('never a moment not live', result.notLive === 0, `${result.notLive} times`)
  return print(promises, result.took)
}

/** Resolves with the exit code. */
export async function reportLast(moves: number, rate: number): Promise<0 | 1> {
  console.log(
    `${moves} handovers in a row at ${rate} messages a second; after every tenth a new client connects and begins with the last 50`,
  )
  const { delivered, lost, repeated, gaps, late, clients, sent, ...result } = await runLast(moves, rate)
  const promises = createPromises()
  checkMoves(promises, result, moves)
  promises.check(
    'nothing lost, repeated, out of order',
    lost + repeated + gaps === 0,
    `${lost}/${repeated}, ${gaps} gaps of ${delivered} delivered, ${sent} sent`,
  )
  promises.check('each began with all of the last 50', late === 0, `${clients - late} of ${clients} clients`)
  promises.check(
    'the rate is kept',
    sent > (0.9 * rate * result.took) / 1_000,
    `${Math.round((sent * 1_000) / result.took)} messages a second`,
  )
  return print(promises, result.took)
}

function checkMoves(promises: Promises, { moves, cutOff }: { moves: number; cutOff: number }, asked: number) {
  promises.check(
    'every request was a handover',
    moves === asked && cutOff === 0,
    `${moves} handovers, ${cutOff} cut off`,
  )
}

function print(promises: Promises, took: number): 0 | 1 {
  console.log(`\n${promises.lines()}\n\nTook ${ms(took)}.`)
  return promises.broken > 0 ? 1 : 0
}
