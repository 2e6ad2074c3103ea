// Senders and receivers in one process, so that they share a clock: pairs of LiveSocket and pairs of ws, in turns.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { WebSocket } from 'ws'
import { serveProgram } from '../cluster/program.js'

/**
 * Each pair has a room of its own. A socket sends again only after the window in which signals are coalesced has
 * passed, and the next sample need not wait for that window.
 */
const PAIRS = 20
/** Milliseconds between two samples, which alternate between the kinds. Most signals arrive sooner. */
const EVERY = 1

type Kind = 'signal' | 'ws'

serveProgram(() => ({
  async measure({ live, bare, samples, warmUp }: { live: string; bare: string; samples: number; warmUp: number }) {
    const took: Record<Kind, number[]> = { signal: [], ws: [] }
    const hear = (kind: Kind) => (at: unknown) => void took[kind].push(performance.now() - Number(at))

    const rooms = Array.from({ length: PAIRS }, (_, n) => `room-${n}`)
    const senders = await Promise.all(
      rooms.map(async (room) => ({
        signal: await signalPair(live, room, hear('signal')),
        ws: await barePair(bare, room, hear('ws')),
      })),
    )
    for (let n = 0; n < samples + warmUp; n++) {
      const sender = senders[n % PAIRS]!
      for (const kind of ['signal', 'ws'] as const) {
        sender[kind](performance.now())
        await sleep(EVERY)
      }
    }
    await sleep(200)
    return { signal: took.signal.slice(warmUp), ws: took.ws.slice(warmUp) }
  },
}))

type Hear = (at: unknown) => void

async function signalPair(url: string, room: string, hear: Hear): Promise<Hear> {
  const [from, to] = [1, 2].map(() => createLiveSocket({ url, environment: { WebSocket } })) as [LiveSocket, LiveSocket]
  to.onSignal(room, hear)
  from.onSignal(room, () => {})
  for (const socket of [from, to]) socket.connect()
  while ([from, to].some((socket) => socket.topicStatus(room).getState() !== 'live')) await sleep(5)
  return (at) => from.signal(room, at)
}

async function barePair(url: string, room: string, hear: Hear): Promise<Hear> {
  const [from, to] = [1, 2].map(() => new WebSocket(url + room, { perMessageDeflate: false })) as [WebSocket, WebSocket]
  to.on('message', (data) => hear((JSON.parse(String(data)) as { at: number }).at))
  await Promise.all([from, to].map((socket) => once(socket, 'open')))
  return (at) => from.send(JSON.stringify({ at }))
}
