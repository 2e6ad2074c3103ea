import { expect, it } from 'vitest'
import { LiveSocketError } from '../../src/index.js'
import { tell, type Story } from './story.js'

/** Publishes `mine 1`, `mine 2`, … every 5 ms, and keeps what became of each. */
function publisher({ sim, socket }: Story) {
  const outcomes = new Map<number, unknown>()
  let count = 0
  let cancel = () => {}
  const next = () => {
    const number = ++count
    socket.publish('room', `mine ${number}`).then(
      ({ offset }) => outcomes.set(number, offset),
      (error: unknown) => outcomes.set(number, error instanceof LiveSocketError ? error.code : error),
    )
    cancel = sim.environment.clock.setTimeout(next, 5)
  }
  next()
  return {
    stop: () => cancel(),
    /** The numbers in the log, in its order. */
    applied: () =>
      sim.published
        .filter(({ data }) => String(data).startsWith('mine'))
        .map(({ data }) => Number(String(data).slice(5))),
    count: () => count,
    outcomes,
  }
}

it.each<[string, (story: Story) => void]>([
  ['a deploy', ({ sim }) => void sim.deploy()],
  ['a deploy to a slow path', ({ sim }) => (sim.delay({ up: 120 }), sim.deploy())],
  ['a deploy whose old server is gone at once', ({ sim }) => sim.deploy().from[0]!.crash()],
  ['a crash', ({ sim }) => (sim.crash(), sim.restart())],
  ['an old server that stops answering', ({ sim }) => ((sim.servers[0]!.acks = false), sim.deploy())],
])(
  'client rule 5: across %s each publish is applied once and in order, and resolves with its offset',
  async (_, fault) => {
    const story = tell({ reconnectSpread: 500 })
    const { sim, room, live, end } = story
    await live()
    const mine = publisher(story)
    await sim.advance(300)
    fault(story)
    await sim.advance(2_500)
    mine.stop()
    await sim.advance(3_000)
    const numbers = Array.from({ length: mine.count() }, (_, at) => at + 1)
    expect(mine.applied()).toEqual(numbers)
    expect([...mine.outcomes].sort(([a], [b]) => a - b)).toEqual(
      numbers.map((number) => [number, sim.published.find(({ data }) => data === `mine ${number}`)!.offset]),
    )
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  },
)

it('a publish that was applied by a server that forgot it before the answer is outcome-unknown', async () => {
  const story = tell({ reconnectSpread: 500 })
  const { sim, socket, live, end } = story
  await live()
  sim.servers[0]!.acks = false
  const outcome = socket.publish('room', 'once').catch((error: LiveSocketError) => error.code)
  await sim.advance(100)
  sim.crash()
  sim.forgetPublishes()
  sim.servers[0]!.acks = true
  sim.restart()
  await sim.advance(3_000)
  expect(await outcome).toBe('outcome-unknown')
  expect(sim.published).toHaveLength(1)
  end()
})

it('a publish that its server does not answer causes a handover, and is answered by the next server', async () => {
  const story = tell({ servers: 2 })
  const { sim, socket, live, told, end } = story
  await live()
  const mute = sim.servers.find(({ legs }) => legs === 1)!
  mute.acks = false
  const outcome = socket.publish('room', 'once')
  await sim.advance(15_000)
  expect(await outcome).toMatchObject({ offset: 1 })
  expect(told('handover-started')).toMatchObject([{ reason: 'unanswered' }])
  expect(sim.published).toHaveLength(1)
  end()
})

it('client rule 6: the old leg stays until the publishes on it are answered, so that none is sent twice without need', async () => {
  const { sim, socket, live, told, end } = tell()
  await live()
  sim.delay({ up: 300 })
  const outcome = socket.publish('room', 'once')
  sim.delay({ up: 10 })
  sim.deploy()
  await sim.advance(150)
  expect(told('cutover')).toHaveLength(1)
  expect(sim.servers.map(({ legs }) => legs)).toEqual([1, 1])
  await sim.advance(300)
  expect(await outcome).toMatchObject({ offset: 1 })
  expect(sim.wire.filter(({ text }) => text.includes('"publish"'))).toHaveLength(1)
  expect(sim.servers.map(({ legs }) => legs)).toEqual([0, 1])
  end()
})
