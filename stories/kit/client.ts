import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from 'livesocket'
import { breakable, createRecorder, type BreakableWebSocket, type Recorder } from 'livesocket/devtools'
import type { Simulation } from 'livesocket/testing'
import { createBook, type Book, type Feed } from './feed.js'

/** A live socket in a simulation, and what observes it. */
export interface Client<Topics extends object = Record<string, unknown>> {
  readonly socket: LiveSocket<Topics>
  readonly wire: BreakableWebSocket
  readonly recorder: Recorder
  readonly book: Book | null
}

export function connectClient<Topics extends object = Record<string, unknown>>(
  sim: Simulation,
  { feed, environment = sim.environment, ...options }: Partial<LiveSocketOptions<Topics>> & { feed?: Feed } = {},
): Client<Topics> {
  const wire = breakable(environment.WebSocket)
  const socket = createLiveSocket<Topics>({
    url: sim.url,
    reconnect: { spread: 500 },
    ...options,
    environment: { ...environment, WebSocket: wire },
  } as LiveSocketOptions<Topics>)
  const recorder = createRecorder(socket, { clock: sim.clock, wire })
  const book = feed ? createBook(feed, () => sim.clock.monotonic(), true) : null
  if (feed) socket.subscribe(feed.topic as keyof Topics & string, (_, { offset }) => book!.delivered(offset))
  socket.store.subscribe(({ closed }, before) => {
    if (closed === null && before.closed !== null) book?.startOver()
  })
  socket.connect()
  return { socket, wire, recorder, book }
}
