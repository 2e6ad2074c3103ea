// Who sends and who hears, in one process for the sake of its clock: by LiveSocket and by ws, in turns.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { WebSocket } from 'ws'
import { serveProgram } from '../cluster/program.js'

/** Milliseconds between two of one kind: more than the frame in which signals are gathered. */
const EVERY = 20

serveProgram(() => ({
  async measure({ live, bare, samples, warmUp }: { live: string; bare: string; samples: number; warmUp: number }) {
    const took: Record<'signal' | 'ws', number[]> = { signal: [], ws: [] }
    const heard = (kind: keyof typeof took) => (at: unknown) => void took[kind].push(performance.now() - Number(at))

    const [ann, bob] = [1, 2].map(() => createLiveSocket<Rooms>({ url: live, environment: { WebSocket } })) as [
      Live,
      Live,
    ]
    bob.onSignal('room', heard('signal'))
    ann.onSignal('room', () => {})
    for (const socket of [ann, bob]) socket.connect()
    while ([ann, bob].some((socket) => socket.topicStatus('room').getState() !== 'live')) await sleep(5)

    const [from, to] = [1, 2].map(() => new WebSocket(bare, { perMessageDeflate: false })) as [WebSocket, WebSocket]
    const tell = heard('ws')
    to.on('message', (data) => tell((JSON.parse(String(data)) as { at: number }).at))
    await Promise.all([from, to].map((socket) => once(socket, 'open')))

    for (let n = 0; n < samples + warmUp; n++) {
      ann.signal('room', performance.now())
      await sleep(EVERY / 2)
      from.send(JSON.stringify({ at: performance.now() }))
      await sleep(EVERY / 2)
    }
    await sleep(200)
    return { signal: took.signal.slice(warmUp), ws: took.ws.slice(warmUp) }
  },
}))

interface Rooms {
  room: number
}

type Live = LiveSocket<Rooms>
