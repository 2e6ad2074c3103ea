// The runtime's own WebSocket class, without `ws`: dials a port where nothing listens, then a server, a server that is
// killed, and the next server at that port. Prints the results as a line of JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createLiveSocket } from 'livesocket'

const reserved = createServer()
const port = await new Promise((resolve) => reserved.listen(0, '127.0.0.1', () => resolve(reserved.address().port)))
await new Promise((resolve) => reserved.close(resolve))

const socket = createLiveSocket({ url: `ws://127.0.0.1:${port}/`, reconnect: { spread: 300 } })
const became = (wanted) => {
  const began = performance.now()
  return new Promise((resolve) => {
    const look = (state) => {
      if (!wanted(state)) return
      undo()
      resolve(Math.round(performance.now() - began))
    }
    const undo = socket.store.subscribe(look)
    queueMicrotask(() => look(socket.store.getState()))
  })
}
async function serve() {
  const child = spawn(process.env.NODE, ['listener.mjs', String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

const saw = { ownSocket: typeof globalThis.WebSocket === 'function' }
socket.connect()
await became(({ lastError }) => lastError !== null)
saw.refused = socket.store.getState().lastError.code
const first = await serve()
saw.live = await became(({ status }) => status === 'live')
first.kill('SIGKILL')
saw.noticed = await became(({ status }) => status !== 'live')
const second = await serve()
saw.back = await became(({ status }) => status === 'live')
// The server closes its connections properly.
second.stdin.write('close\n')
saw.closed = await became(({ status }) => status !== 'live')
saw.again = await became(({ status }) => status === 'live')
socket.close()
second.kill('SIGKILL')
console.log(JSON.stringify(saw))
process.exit(0)
