import { createLiveSocket } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { expect, it } from 'vitest'

it('the simulation runs in a browser as it does in Node: a deploy, to the millisecond', async () => {
  const run = async () => {
    const sim = createSimulation({ seed: 1 })
    const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
    const room = sim.observe(socket, 'room')
    socket.connect()
    const stop = sim.publishEvery(25, 'room')
    await sim.advance(500)
    sim.deploy({ spread: 300 })
    await sim.advance(1_000)
    stop()
    await sim.advance(100)
    expect([room.problems(), room.gaps]).toEqual([[], []])
    socket.close()
    return [sim.dials, room.messages.map(({ offset, leg, at }) => [offset, leg, at])]
  }
  const first = await run()
  expect(await run()).toEqual(first)
  expect((first[0] as object[]).length).toBe(2)
})

it('the simulation can follow real time at 5,000 messages a second', async () => {
  const sim = createSimulation()
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment })
  const prices = sim.observe(socket, 'prices')
  socket.connect()
  await sim.advance(200)
  let next = 0
  const burst = () => {
    for (let count = 0; count < 80; count++) sim.publish('prices', ++next)
    sim.clock.setTimeout(burst, 16)
  }
  burst()
  const stop = sim.play()
  await expect.poll(() => prices.messages.length, { timeout: 20_000 }).toBeGreaterThan(5_000)
  stop()
  expect(prices.problems({ complete: false })).toEqual([])
  socket.close()
})
