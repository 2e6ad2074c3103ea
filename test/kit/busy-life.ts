import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from 'livesocket'
import { createSimulation, type Simulation } from 'livesocket/testing'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'

/** The event types that occur in `life`. */
export const HAPPEN = EVENT_TYPES.filter((type) => type !== 'session-ended' && type !== 'invalid')

/** A live socket in a simulation, and a record of its events. */
export function world(options: (simulation: Simulation) => Partial<LiveSocketOptions> = () => ({})) {
  const simulation = createSimulation({ authorize: (topic) => topic !== 'forbidden' })
  simulation.tokens.ttl = 60_000
  const socket = createLiveSocket({
    url: simulation.url,
    environment: simulation.environment,
    getToken: simulation.getToken,
    reconnect: { spread: 2_000, cap: 4_000 },
    ...options(simulation),
  })
  const told: string[] = []
  for (const type of EVENT_TYPES) socket.on(type, () => void told.push(type))
  const errors: string[] = []
  socket.on('error', ({ error }) => void errors.push(error.message))
  return { simulation, socket, told, errors }
}

/**
 * Some minutes in which every event occurs at least once: handovers, refusals, a crash, a gap, a token service that is
 * down.
 */
export async function life(simulation: Simulation, socket: LiveSocket) {
  const observation = simulation.observe(socket, 'a')
  socket.subscribe('forbidden', () => undefined)
  socket.connect()
  await simulation.advance(500)
  const stop = simulation.publishEvery(1_000, 'a')
  await simulation.advance(5_000)
  simulation.deploy({ deadline: 5_000, url: 'wss://elsewhere.test' })
  await simulation.advance(5_000)
  simulation.deploy({ deadline: 2_000, door: 'hangs' })
  await simulation.advance(5_000)
  simulation.accept()
  await simulation.advance(30_000)
  simulation.crash()
  simulation.publish('a', 'lost')
  simulation.log.trim('a')
  simulation.restart()
  await simulation.advance(30_000)
  simulation.tokens.down()
  await simulation.advance(40_000)
  simulation.tokens.up()
  await simulation.advance(120_000)
  socket.publish('a', 1n).catch(() => undefined)
  stop()
  await simulation.advance(2_000)
  return observation
}

export const restful = ({ simulation }: { simulation: Simulation }) => ({
  legs: simulation.servers.reduce((sum, { legs }) => sum + legs, 0),
  timers: simulation.clock.pending,
})
export const AT_REST = { legs: 0, timers: 0 }
