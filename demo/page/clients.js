import { createLiveSocket } from 'livesocket'
import ReconnectingWebSocket from 'reconnecting-websocket'

/**
 * Both clients of the page. They share the topic, the servers and the network.
 *
 * @typedef {object} Seen what a client reports to the page
 * @property {(message: { from: string, n: number }, offset: number) => void} delivered
 * @property {(live: boolean, word: string) => void} live
 * @property {(leg: number) => void} dialling
 * @property {(leg: number, server: string) => void} ready
 * @property {(leg: number) => void} closed
 */

const TOPIC = 'feed'

const visitor = crypto.randomUUID()
// The browser keeps the cookie of this sign-in, and sends it with every request for a token.
const signedIn = fetch(`/login?visitor=${visitor}`, { method: 'POST' })

async function fetchToken(signal) {
  await signedIn
  const response = await fetch('/token', { method: 'POST', signal })
  if (response.status === 401) return { ended: 'the login is over' }
  if (!response.ok) throw new Error(`The token service answered ${response.status}.`)
  return response.json()
}

/** @param {string} url @param {Seen} seen */
export function connectLiveSocket(url, seen) {
  const socket = createLiveSocket({
    url,
    getToken: ({ signal }) => fetchToken(signal),
    // A spread of one second is enough for one visitor. With a hundred messages a second, a second of silence is suspect.
    reconnect: { spread: 1_000 },
    heartbeat: { interval: 1_000, timeout: 1_000 },
  })
  socket.on('leg-dialling', ({ leg }) => seen.dialling(leg))
  socket.on('leg-ready', ({ leg, server }) => seen.ready(leg, server))
  socket.on('leg-closed', ({ leg }) => seen.closed(leg))
  socket.on('gap', ({ topic, from, to }) => seen.gap(topic, from, to))
  socket.store.subscribe((state) => {
    const live = state.status === 'live'
    seen.live(
      live,
      live && state.handover
        ? 'live, handing over'
        : state.lastError
          ? `${state.status} (${state.lastError.code})`
          : state.status,
    )
  })
  socket.subscribe(TOPIC, (data, { offset }) => seen.delivered(data, offset))
  socket.connect()
  return socket
}

/**
 * A stock reconnecting-websocket with its defaults. It speaks a minimum of livesocket.v1 by hand: a hello, and then it
 * reads messages from now on.
 *
 * @param {string} url @param {Seen} seen
 */
export function connectReconnecting(url, seen) {
  let leg = 0
  const dialled = () => {
    seen.dialling(++leg)
    return url
  }
  const socket = new ReconnectingWebSocket(dialled, 'livesocket.v1')
  socket.addEventListener('open', async () => {
    const { token } = await fetchToken()
    send({ type: 'hello', session: crypto.randomUUID(), leg: 1, token, topics: { [TOPIC]: {} } })
  })
  // The server would otherwise close the connection: it treats a silent leg as dead, and closes one with an expired token.
  const send = (frame) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame))
  setInterval(() => send({ type: 'ping' }), 5_000)
  setInterval(async () => send({ type: 'auth', token: (await fetchToken()).token }), 60_000)
  socket.addEventListener('close', () => {
    seen.closed(leg)
    seen.live(false, 'reconnecting')
  })
  socket.addEventListener('message', ({ data }) => {
    const frame = JSON.parse(data)
    if (frame.type === 'welcome') {
      seen.ready(leg, frame.server)
      seen.live(true, 'live')
    }
    if (frame.type === 'message') seen.delivered(frame.data, frame.offset)
  })
  return socket
}
