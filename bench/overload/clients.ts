import reconnecting from 'reconnecting-websocket'
import { WebSocket } from 'ws'
import { clientOf } from './build.js'
import { answer } from './program.js'

/**
 * Many clients in one process. `plain`: reconnecting-websocket, which counts as live once the server has said welcome.
 */
const [kind, url] = process.argv.slice(2) as [string, string]
const ReconnectingWebSocket = ('default' in reconnecting
  ? reconnecting.default
  : reconnecting) as unknown as typeof import('reconnecting-websocket').default

const TICK = 20

let dials = 0
/** When clients dialled, ms since `forget`. */
const dialledAt: number[] = []
let live = 0
/** When each client became live again, ms since `forget`. */
let back: number[] = []
/** Since when clients are not live, and how long each was not live since `forget`, ms. */
const downSince = new Map<number, number>()
let down = new Map<number, number>()
let from = performance.now()
/** How many handovers there were, by their reason. */
let moves: Record<string, number> = {}
const stop: (() => void)[] = []

/** The longest time that this process stood still, ms: the machine was busy with something else. */
let late = 0
let ticked = performance.now()
setInterval(() => {
  const now = performance.now()
  late = Math.max(late, now - ticked - TICK)
  ticked = now
}, TICK)

function dialled() {
  dials++
  dialledAt.push(performance.now())
}

/** The most dials in one second. */
function dialPeak(): number {
  let most = 0
  let first = 0
  for (const [at, time] of dialledAt.entries()) {
    while (dialledAt[first]! <= time - 1_000) first++
    most = Math.max(most, at - first + 1)
  }
  return most
}

/** The number of dials in each second. */
function dialsBySecond(): number[] {
  const seconds: number[] = []
  for (const at of dialledAt) {
    const second = Math.floor((at - from) / 1_000)
    while (seconds.length <= second) seconds.push(0)
    seconds[second]!++
  }
  return seconds
}

function became(client: number, isLive: boolean) {
  const now = performance.now()
  if (isLive) {
    live++
    back.push(now - from)
    const since = downSince.get(client)
    downSince.delete(client)
    if (since !== undefined) down.set(client, (down.get(client) ?? 0) + now - Math.max(from, since))
  } else {
    live--
    downSince.set(client, now)
  }
}

async function liveClients(clients: number) {
  const { createLiveSocket } = await clientOf(kind)
  for (let at = 0; at < clients; at++) {
    const client = at
    const socket = createLiveSocket({ url, environment: { WebSocket } })
    let was = false
    socket.on('leg-dialling', dialled)
    socket.on('handover-started', ({ reason }) => void (moves[reason] = (moves[reason] ?? 0) + 1))
    socket.store.subscribe(({ status }) => {
      if ((status === 'live') === was) return
      was = !was
      became(client, was)
    })
    socket.subscribe('news', () => undefined)
    socket.connect()
    stop.push(() => socket.close())
    if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Connects `perSecond` clients a second. Resolves with the milliseconds from dial to live of each client. */
async function arrivals({ clients, perSecond }: { clients: number; perSecond: number }): Promise<number[]> {
  const { createLiveSocket } = await clientOf(kind)
  const times: number[] = []
  const begun = performance.now()
  for (let at = 0; at < clients; at++) {
    const wait = begun + (at * 1_000) / perSecond - performance.now()
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait))
    const socket = createLiveSocket({ url, environment: { WebSocket } })
    const dialled = performance.now()
    const unsubscribe = socket.store.subscribe(({ status }) => {
      if (status !== 'live') return
      times.push(performance.now() - dialled)
      unsubscribe()
    })
    socket.subscribe('news', () => undefined)
    socket.connect()
    stop.push(() => socket.close())
  }
  while (times.length < clients) await new Promise((resolve) => setTimeout(resolve, 50))
  return times
}

async function plainClients(clients: number) {
  class Counted extends WebSocket {
    constructor(address: string) {
      super(address, { perMessageDeflate: false })
      dialled()
    }
  }
  for (let at = 0; at < clients; at++) {
    const client = at
    const socket = new ReconnectingWebSocket(url, [], { WebSocket: Counted })
    let was = false
    const set = (isLive: boolean) => {
      if (isLive === was) return
      was = isLive
      became(client, isLive)
    }
    socket.onopen = () => socket.send('hello')
    socket.onmessage = () => set(true)
    socket.onclose = () => set(false)
    socket.onerror = () => undefined
    stop.push(() => socket.close())
    if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

answer({
  connect: (clients: number) => (kind === 'plain' ? plainClients(clients) : liveClients(clients)),
  arrivals,
  forget: () => {
    dials = 0
    dialledAt.length = 0
    moves = {}
    back = []
    down = new Map()
    late = 0
    from = performance.now()
  },
  look: () => ({
    live,
    dials,
    late,
    dialPeak: dialPeak(),
    dialsBySecond: dialsBySecond(),
    moves,
    back,
    down: [...new Set([...down.keys(), ...downSince.keys()])].map(
      (client) =>
        (down.get(client) ?? 0) +
        (downSince.has(client) ? performance.now() - Math.max(from, downSince.get(client)!) : 0),
    ),
  }),
  stop: () => void stop.forEach((end) => end()),
})
