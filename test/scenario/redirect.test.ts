import { expect, it } from 'vitest'
import { tell } from './story.js'

it('client rule 2: a url of the configured origin is followed', async () => {
  const { sim, socket, live, end } = tell()
  await live()
  sim.deploy({ url: 'direct' })
  await sim.advance(1_000)
  expect(sim.dials[1]!.url).toContain('server=server-2')
  expect(socket.store.getState()).toMatchObject({ leg: { server: 'server-2' } })
  end()
})

it.each([
  'wss://elsewhere.test/live',
  'ws://live.test/live',
  'wss://user:secret@live.test/live',
  'https://live.test/live',
  '/live',
  'no url',
  '',
  'javascript:alert(1)',
])(
  'client rule 2: "%s" is reported and not followed, and the client hands over to its configured URL instead',
  async (url) => {
    const { sim, socket, room, live, statuses, told, end } = tell()
    await live()
    const stop = sim.publishEvery(20, 'room')
    sim.deploy({ url })
    await sim.advance(2_000)
    stop()
    await sim.advance(100)
    expect(told('redirect-refused')).toHaveLength(1)
    expect(sim.dials.map((dial) => dial.url)).toEqual([sim.url, sim.url])
    expect(socket.store.getState()).toMatchObject({ status: 'live', leg: { server: 'server-2' } })
    expect(statuses).toEqual([])
    expect([room.problems(), room.gaps]).toEqual([[], []])
    end()
  },
)

it('client rule 2: a dial after the url failed goes to the configured URL', async () => {
  const { sim, socket, live, end } = tell({ servers: 1 })
  await live()
  const { to } = sim.deploy({ url: 'wss://live.test/live?server=nobody' })
  await sim.advance(2_000)
  expect(sim.dials.slice(1).map(({ server }) => server)).toEqual([null, to[0]!.id])
  expect(socket.store.getState().leg!.server).toBe(to[0]!.id)
  end()
})
