import { createLiveSocket, type LiveSocketOptions } from '../../src/index.js'
import { createSimulation, type Simulation, type SimulationOptions } from '../../src/testing/index.js'
import { toldBy } from '../kit/told-events.js'

/** One live socket in a simulation, subscribed to `room`, whose every event and status is kept. */
export function tell(
  world: SimulationOptions = {},
  options: (sim: Simulation) => Partial<LiveSocketOptions> = () => ({}),
) {
  const sim = createSimulation(world)
  const socket = createLiveSocket({ url: sim.url, environment: sim.environment, ...options(sim) })
  const room = sim.observe(socket, 'room')
  const statuses: string[] = []
  const { told, names } = toldBy(socket)
  let status = socket.store.getState().status
  socket.store.subscribe((state) => {
    if (state.status !== status) statuses.push((status = state.status))
  })
  return {
    sim,
    socket,
    room,
    /** Connects, and waits until it is live. */
    async live() {
      socket.connect()
      await sim.advance(200)
      if (socket.store.getState().status !== 'live')
        throw new Error(`it is ${socket.store.getState().status} and should be live`)
      statuses.length = 0
    },
    /** The statuses that it went through since it was live. */
    statuses,
    /** The events of these types so far, in order. */
    told,
    /** The names of all events so far. */
    names,
    /** Ends the story; whatever is left of it is a fault. */
    end() {
      socket.close()
      room.stop()
    },
  }
}

export type Story = ReturnType<typeof tell>
