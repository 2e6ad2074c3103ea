// npm run bench:signals: how long a signal takes from who sends it to who hears it, beside a bare ws relay, in turns.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../src/index.js'

/** Milliseconds between two of one kind: more than the frame in which signals are gathered. */
const EVERY = 20
const WARM_UP = 200

async function measure(samples: number) {
  const relay = fork(fileURLToPath(new URL('relay.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  const [urls] = (await once(relay, 'message')) as [{ live: string; bare: string }]
  const took: Record<'signal' | 'ws', number[]> = { signal: [], ws: [] }
  const heard = (kind: keyof typeof took) => (at: unknown) => void took[kind].push(performance.now() - Number(at))

  const sockets = [1, 2].map(() => createLiveSocket({ url: urls.live, environment: { WebSocket } }))
  const [ann, bob] = sockets as [(typeof sockets)[0], (typeof sockets)[0]]
  bob.onSignal('room', heard('signal'))
  ann.onSignal('room', () => {})
  for (const socket of sockets) socket.connect()
  while (sockets.some((socket) => socket.topicStatus('room').getState() !== 'live')) await sleep(5)

  const plain = [1, 2].map(() => new WebSocket(urls.bare, { perMessageDeflate: false }))
  const [from, to] = plain as [WebSocket, WebSocket]
  const tell = heard('ws')
  to.on('message', (data) => tell((JSON.parse(String(data)) as { at: number }).at))
  await Promise.all(plain.map((socket) => once(socket, 'open')))

  for (let n = 0; n < samples + WARM_UP; n++) {
    ann.signal('room', performance.now())
    await sleep(EVERY / 2)
    from.send(JSON.stringify({ at: performance.now() }))
    await sleep(EVERY / 2)
  }
  await sleep(200)
  for (const socket of sockets) socket.close()
  for (const socket of plain) socket.terminate()
  relay.kill()
  return took
}

const at = (all: readonly number[], part: number) =>
  all.slice(WARM_UP).sort((a, b) => a - b)[Math.floor((all.length - WARM_UP) * part)]!

const took = await measure(Number(process.argv[2] ?? 2_000))
for (const [kind, all] of Object.entries(took))
  console.log(
    `${kind}: ${all.length - WARM_UP} heard, p50 ${at(all, 0.5).toFixed(3)} ms, p99 ${at(all, 0.99).toFixed(3)} ms`,
  )
console.log(
  `signal over ws: p50 ${(at(took.signal, 0.5) / at(took.ws, 0.5)).toFixed(2)}, p99 ${(at(took.signal, 0.99) / at(took.ws, 0.99)).toFixed(2)}`,
)
