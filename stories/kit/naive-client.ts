import type { RecordedLeg, Arrival } from 'livesocket/devtools'
import type { Simulation } from 'livesocket/testing'

/** What most pages do: one socket and, one to five seconds after it closes, another one. */
export interface NaiveClient {
  readonly legs: readonly RecordedLeg[]
  readonly arrivals: readonly Arrival[]
  readonly live: boolean
  close(): void
}

export function connectNaively(sim: Simulation, topic: string, delivered: (offset: number) => void): NaiveClient {
  const { WebSocket, random, clock } = sim.tab()
  const now = () => sim.clock.monotonic()
  const legs: RecordedLeg[] = []
  let arrivals: Arrival[] = []
  let live = false
  let closed = false
  let socket: WebSocket

  function dial() {
    const leg: RecordedLeg = {
      number: legs.length + 1,
      dialled: now(),
      opened: null,
      ready: null,
      serving: null,
      retired: null,
      closed: null,
      server: '',
      url: '',
      code: null,
      by: null,
      delivered: 0,
      duplicates: 0,
      held: 0,
    }
    legs.push(leg)
    socket = new WebSocket(sim.url, 'livesocket.v1')
    socket.onopen = () =>
      socket.send(JSON.stringify({ type: 'hello', session: `naive-${leg.number}`, leg: 1, topics: { [topic]: {} } }))
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data as string) as { type: string; server?: string; offset?: number }
      if (frame.type === 'welcome') {
        Object.assign(leg, { ready: now(), serving: now(), server: frame.server })
        live = true
      }
      if (frame.type !== 'message') return
      arrivals.push({ at: now(), leg: leg.number, delivered: 1, duplicates: 0, held: 0 })
      if (arrivals.length > 4_000) arrivals = arrivals.slice(-2_000)
      delivered(frame.offset!)
    }
    socket.onclose = ({ code }) => {
      Object.assign(leg, { closed: now(), code })
      live = false
      if (!closed) clock.setTimeout(dial, 1_000 + 4_000 * random())
    }
  }
  dial()
  return {
    legs,
    get arrivals() {
      return arrivals
    },
    get live() {
      return live
    },
    close() {
      closed = true
      socket.close()
    },
  }
}
