import { createLiveSocket, type LiveSocketEvents, type Position } from 'livesocket'
import { createSimulation } from 'livesocket/testing'

export type Topics = { orders: number; other: number }

export const append = (state: readonly number[], data: number) => [...state, data]
export const none: readonly number[] = []

/** A live socket in a simulation, and what it reported. */
export async function world(options = {}) {
  const simulation = createSimulation(options)
  const socket = createLiveSocket<Topics>({
    url: simulation.url,
    environment: simulation.environment,
    reconnect: { spread: 1_000 },
  })
  const errors: string[] = []
  const gaps: LiveSocketEvents['gap'][] = []
  socket.on('error', ({ error }) => void errors.push(error.message))
  socket.on('gap', (gap) => void gaps.push(gap))
  socket.connect()
  await simulation.advance(500)
  /** How many frames have been looked at. */
  let seen = simulation.wire.length
  const asked = () => {
    const sent = simulation.wire.slice(seen).filter(({ by }) => by === 'client')
    seen = simulation.wire.length
    return sent.map(({ text }) => JSON.parse(text) as { type: string }).filter(({ type }) => type.endsWith('subscribe'))
  }
  return { simulation, socket, errors, gaps, asked, data: () => simulation.published.map(({ data }) => data) }
}

/** Answers with the state of the log at the time of the call, `delay` ms later. */
export function api({ simulation }: Awaited<ReturnType<typeof world>>, delay = 100) {
  const asks: { signal: AbortSignal; attempt: number }[] = []
  let answer: (snapshot: { state: readonly number[]; position: Position }) => unknown = (snapshot) => snapshot
  const load = (ask: (typeof asks)[number]) => {
    asks.push(ask)
    const published = simulation.published.filter(({ topic }) => topic === 'orders')
    const { epoch, offset } = simulation.log.answer('orders', null)
    const now = answer({ state: published.map(({ data }) => data as number), position: { epoch, offset } })
    return new Promise<never>((resolve, reject) => {
      simulation.clock.setTimeout(() => (now instanceof Error ? reject(now) : resolve(now as never)), delay)
    })
  }
  return { load, asks, answers: (how: typeof answer) => void (answer = how) }
}
