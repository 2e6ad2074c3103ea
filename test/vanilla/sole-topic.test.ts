import { createSimulation, type SimulationOptions } from 'livesocket/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { livesocketV1 } from '../../src/topics/livesocket-v1.js'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'

/** A socket that represents the topic `room`, all its events, and the errors of the live socket underneath. */
async function inRoom(options: SimulationOptions = {}, topic = 'room') {
  const sim = createSimulation(options)
  const { getToken, environment } = sim
  const socket = new LiveWebSocket(sim.url, [], { protocol: livesocketV1(), topic, environment, getToken })
  onTestFinished(() => socket.live.close())
  const told: string[] = []
  const errors: string[] = []
  socket.addEventListener('message', ({ data }: MessageEventInit) => told.push(String(data)))
  for (const type of ['open', 'close']) socket.addEventListener(type, () => told.push(type))
  socket.live.on('error', ({ error }) => errors.push(`${error.code} ${error.topic}`))
  await sim.advance(500)
  return { sim, socket, told, errors }
}

describe('A socket that is one topic', () => {
  it('gets each of its messages once over a handover and a break, and none of other topics', async () => {
    const { sim, socket, told } = await inRoom()
    sim.publish('room', 1)
    sim.publish('hall', 'another')
    sim.deploy({ deadline: 2_000 })
    const stop = sim.publishEvery(100, 'room', (count) => count + 1)
    await sim.advance(5_000)
    sim.crash()
    sim.restart()
    await sim.advance(10_000)
    stop()
    await sim.advance(500)
    const messages = told.filter((one) => one !== 'open' && one !== 'close').map(Number)
    expect(told.filter((one) => !Number(one))).toEqual(['open', 'close', 'open'])
    expect(messages).toEqual(messages.map((_, at) => at + 1))
    expect(messages.length).toBe(sim.published.filter(({ topic }) => topic === 'room').length)
    expect(socket.live.stats().delivered).toBe(messages.length)
  })

  it('starts over in the next session, with its new messages', async () => {
    const { sim, socket, told } = await inRoom()
    sim.publish('room', 1)
    await sim.advance(500)
    socket.live.signOut()
    await sim.advance(500)
    sim.publish('room', 2)
    socket.reconnect()
    await sim.advance(500)
    sim.publish('room', 3)
    await sim.advance(500)
    expect(told).toEqual(['open', '1', 'close', 'open', '3'])
  })

  it('reports in an error event of the live socket underneath that the server refuses the topic', async () => {
    const { errors } = await inRoom({ authorize: (topic) => topic !== 'room' })
    expect(errors).toEqual(['forbidden room'])
  })

  it('refuses a topic without a name', () => {
    const options = { protocol: livesocketV1(), topic: '', startClosed: true }
    expect(() => new LiveWebSocket('wss://h.test', [], options)).toThrow(/topic is a string of 1 to 256/)
  })
})
