// Many LiveSocket applications in one process. Each records what it did and saw; nothing is judged here.
import { createLiveSocket, type LiveSocket } from 'livesocket'
import WebSocket from 'ws'
import { systemClock } from '../../../src/base/clock.js'
import { serveProgram } from '../program.js'
import { createRecorder } from '../record.js'

export interface ClientsSetup {
  readonly name: string
  readonly url: string
  readonly count: number
  /** Whether each client has a topic of its own. */
  readonly own?: boolean
  /** How many of the clients follow the shared topic. */
  readonly followers: number
  /** Messages a second that each client publishes into its own topic, which it also follows. 0: it only listens. */
  readonly rate: number
  /** One client publishes into the shared topic at this rate. */
  readonly sharedRate: number
  /** Milliseconds over which the rates rise to their full value. */
  readonly ramp: number
  /** The heartbeat, ms. Default 10,000. */
  readonly heartbeat?: number
  readonly record: string
}

export interface ClientsState {
  readonly live: number
  readonly closed: number
  /** Publishes that wait for their answer. */
  readonly waiting: number
  readonly received: number
}

export const SHARED = 'shared'
/** How often the timer checks which publishes are due, ms. */
const TICK = 20
/** How long the last clients may take from their dial to live, ms. */
const PATIENCE = 60_000

class PlainSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols, { perMessageDeflate: false })
  }
}

interface Message {
  readonly n: number
  readonly at: number
}

serveProgram<ClientsSetup>((setup) => {
  const clock = systemClock
  const record = createRecorder(setup.record)
  const sockets: LiveSocket[] = []
  const latencies: number[] = []
  const ends: (() => void)[] = []
  const ticks: ((now: number) => void)[] = []
  const state = { live: 0, closed: 0, waiting: 0, received: 0 }
  let publishing = false

  /** Records what arrives. Consecutive messages are one line. */
  function follow(socket: LiveSocket, client: string, topic: string) {
    record.write(['follows', client, topic])
    let run: { from: number; to: number; offset: number; at: number; until: number; silence: number } | null = null
    const flush = () => {
      if (run) record.write(['got', client, topic, run.from, run.to, run.offset, run.at, run.until, run.silence])
      run = null
    }
    socket.subscribe(topic, (data, { offset }) => {
      const { n, at } = data as Message
      const now = clock.now()
      state.received++
      if (latencies.length < 500_000) latencies.push(now - at)
      if (run && n === run.to + 1 && offset === run.offset + (n - run.from)) {
        run.to = n
        run.silence = Math.max(run.silence, now - run.until)
        run.until = now
        return
      }
      flush()
      run = { from: n, to: n, offset, at: now, until: now, silence: 0 }
    })
    socket.on('gap', (gap) => {
      if (gap.topic !== topic) return
      flush()
      record.write(['gap', client, topic, gap.from, gap.to, gap.reason, clock.now()])
    })
    ends.push(flush)
  }

  /** Publishes at an even rate while publishing is on. */
  function publish(socket: LiveSocket, topic: string, rate: number, phase: number) {
    let sent = 0
    let run: { from: number; to: number } | null = null
    const flush = () => {
      if (run) record.write(['applied', topic, run.from, run.to])
      run = null
    }
    const settle = (n: number, code?: string) => {
      state.waiting--
      if (code !== undefined)
        return record.write(
          code.startsWith('outcome-unknown') ? ['unknown', topic, n, clock.now()] : ['refused', topic, n, code],
        )
      if (run && n === run.to + 1) run.to = n
      else {
        flush()
        run = { from: n, to: n }
      }
    }
    const send = () => {
      const n = ++sent
      state.waiting++
      socket.publish(topic, { n, at: clock.now() } satisfies Message).then(
        () => settle(n),
        (error: { code?: string; reason?: string }) =>
          settle(n, [error.code ?? String(error), error.reason].filter((word) => word !== undefined).join(' ')),
      )
    }
    let due = 0
    let begun = 0
    ticks.push((now) => {
      if (!publishing) {
        begun = 0
        due = 0
        return
      }
      begun ||= now - phase
      const wanted = Math.floor((ramped(now - begun) * rate) / 1_000)
      for (; due < wanted; due++) send()
    })
    ends.push(() => {
      flush()
      record.write(['sent', topic, sent])
    })
  }

  /**
   * Milliseconds at the full rate in which as many messages are published as in the first `elapsed` ms of a rising
   * rate.
   */
  function ramped(elapsed: number): number {
    return elapsed < setup.ramp ? elapsed ** 2 / (2 * setup.ramp) : elapsed - setup.ramp / 2
  }

  for (let at = 0; at < setup.count; at++) {
    const client = `${setup.name}.${at}`
    const socket = createLiveSocket({
      url: setup.url,
      heartbeat: { interval: setup.heartbeat },
      environment: { WebSocket: PlainSocket as never },
    })
    sockets.push(socket)
    let live = false
    socket.store.subscribe(({ status, closed }) => {
      if (status === 'closed' && closed?.by !== 'app') {
        state.closed++
        record.write(['closed', client, String(closed?.by), clock.now()])
      }
      if (live === (status === 'live')) return
      live = !live
      state.live += live ? 1 : -1
      record.write([live ? 'live' : 'away', client, clock.now()])
    })
    socket.on('leg-dialling', () => record.write(['dial', client, clock.now()]))
    socket.on(
      'leg-closed',
      ({ by, code, reason }) => by === 'server' && record.write(['broke', client, code, reason, clock.now()]),
    )
    const own = `own:${client}`
    if (setup.own !== false) follow(socket, client, own)
    if (at < setup.followers) follow(socket, client, SHARED)
    if (setup.rate > 0) publish(socket, own, setup.rate, (at * 1_000) / setup.rate / setup.count)
    if (setup.sharedRate > 0 && at === 0) publish(socket, SHARED, setup.sharedRate, 0)
  }

  // One timer for all clients: they represent thousands of machines, each of which would have its own timer.
  const tick = () => {
    const now = clock.monotonic()
    for (const publishDue of ticks) publishDue(now)
    clock.setTimeout(tick, TICK)
  }
  if (ticks.length > 0) tick()

  return {
    /** Connects at `rate` a second; resolves when all clients are live. */
    async connect({ rate }: { rate: number }) {
      const begun = clock.monotonic()
      for (const [at, socket] of sockets.entries()) {
        const wait = begun + (at * 1_000) / rate - clock.monotonic()
        if (wait > 1) await new Promise<void>((resolve) => clock.setTimeout(resolve, wait))
        socket.connect()
      }
      const dialled = clock.monotonic()
      while (state.live < sockets.length) {
        if (clock.monotonic() - dialled > PATIENCE)
          throw new Error(
            `${sockets.length - state.live} of ${sockets.length} clients of ${setup.name} did not become live`,
          )
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 20))
      }
    },
    publish: ({ on }: { on: boolean }) => void (publishing = on),
    state: (): ClientsState => ({ ...state }),
    /** Latencies count from here on. */
    measure: () => void (latencies.length = 0),
    async end() {
      for (const end of ends) end()
      latencies.sort((a, b) => a - b)
      const hundredths = Array.from(
        { length: 1_001 },
        (_, at) => latencies[Math.min(latencies.length - 1, Math.floor((at * latencies.length) / 1_000))],
      ).filter((value) => value !== undefined)
      record.write(['latency', hundredths])
      await record.end()
      for (const socket of sockets) socket.close()
      setImmediate(() => process.exit(0))
    },
  }
})
