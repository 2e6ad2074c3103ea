import { WebSocket } from 'ws'
import { systemClock } from '../../../src/base/clock.js'
import { createLiveSocket, type LiveSocket } from '../../../src/index.js'
import type { TopicLog } from '../../../src/server/index.js'
import { seededRandom } from '../../kit/seeded-random.js'
import { createJudge, type ToldGap, type TopicRecord } from '../judge.js'
import { ROOM, startChaosService, type ChaosService } from './chaos-service.js'
import { TROUBLED, type Plan, type Trouble } from './trouble.js'

export interface ChaosOutcome {
  readonly broken: readonly string[]
  readonly delivered: number
  readonly moves: number
  readonly reconnects: number
}

/** All must be well within so much time after the last trouble, ms: the sum of the time limits that are set below. */
const CALM = 20_000

const CLIENTS = 2

type Told =
  | { readonly kind: 'start'; readonly epoch: string; readonly offset: number }
  | { readonly kind: 'message'; readonly epoch: string; readonly offset: number; readonly data: unknown }
  | { readonly kind: 'gap'; readonly gap: ToldGap }
  | { readonly kind: 'published'; readonly id: string }
  | { readonly kind: 'settled'; readonly id: string; readonly outcome: 'ack' | 'refused' | 'unknown' }

/** One schedule on real sockets, judged by what the log has in the end. */
export async function runPlan(plan: Plan, createLog: () => TopicLog): Promise<ChaosOutcome> {
  const random = seededRandom(plan.seed)
  const service = await startChaosService(createLog, random, plan.tokens ? 1_500 : undefined)
  const clients = Array.from({ length: CLIENTS }, (_, index) => startClient(service.url, `c${index + 1}`, plan, random))
  service.publish()
  for (const client of clients) client.publishNow()
  const cancels = plan.troubles.map(({ at, what }) =>
    systemClock.setTimeout(() => act(what, service, clients[0]!.socket, random), at),
  )
  await wait(TROUBLED + 50)
  for (const cancel of cancels) cancel()
  for (const client of clients) client.stop()
  service.stop()
  const log = createLog()
  let head = 0
  await until(async () => {
    // What was on its way to the log as the clients were stopped comes still.
    head = (await log.head(ROOM)).offset
    return clients.every((client) => client.done(head))
  }, CALM)

  const record = await readRecord(log)
  const broken = clients.flatMap((client, index) =>
    client.judge(record, head).map((what) => `client ${index + 1}: ${what}`),
  )
  const outcome = {
    broken,
    delivered: clients.reduce((sum, { socket }) => sum + socket.stats().delivered, 0),
    moves: clients.reduce((sum, { socket }) => sum + socket.stats().handovers, 0),
    reconnects: clients.reduce((sum, { socket }) => sum + socket.stats().reconnects, 0),
  }
  for (const { socket } of clients) socket.close()
  await service.close()
  return outcome
}

function act(what: Trouble, service: ChaosService, socket: LiveSocket, random: () => number) {
  const { path } = service
  switch (what) {
    case 'move':
      return service.move()
    case 'crash':
      return service.crash()
    case 'reset':
      return void path.cut()
    case 'half-close':
      return path.connections().forEach((connection) => connection.halfClose())
    case 'stall':
      return service.stall(random() * 300)
    case 'swallow':
      return path.swallow(1)
    case 'drop':
      return path.drop(1 + Math.floor(random() * 3))
    case 'refuse':
    case 'identity-away':
      return service.refuse(random() * 150)
    case 'handover':
      return void socket.handover().catch(() => undefined)
  }
}

function startClient(url: string, name: string, plan: Plan, random: () => number) {
  const told: Told[] = []
  const faults: string[] = []
  let publishing = true
  let count = 0
  let waiting = 0
  let at = 0
  const socket = createLiveSocket({
    url,
    ...(plan.tokens && { getToken: async () => ({ token: `${name}-token-${++count}`, ttl: 1_500 }) }),
    tokenRefresh: { lifetime: 1_500 },
    handover: { dwell: 0 },
    reconnect: { spread: 50, cap: 200 },
    heartbeat: { interval: 300, timeout: 200 },
    connectTimeout: 600,
    outbox: { ackTimeout: 500 },
    debug: false,
    environment: { WebSocket },
  })
  socket.subscribe(ROOM, (data, { epoch, offset }) => {
    at = offset
    told.push({ kind: 'message', epoch, offset, data })
  })
  socket.on('gap', (gap) => {
    at = Math.max(at, gap.to ?? 0)
    told.push({ kind: 'gap', gap })
  })
  socket.on('error', ({ error }) => void faults.push(`an error event: ${error.message}`))
  socket.on('session-ended', ({ reason }) => void faults.push(`the session ended: ${reason}`))
  let begun = false
  socket.store.subscribe(({ status }) => {
    const position = begun || status !== 'live' ? null : socket.position(ROOM)
    if (!position) return
    begun = true
    at = position.offset
    told.push({ kind: 'start', ...position })
  })
  socket.connect()

  let publishes = 0
  function publish() {
    const id = `${name}-${++publishes}`
    told.push({ kind: 'published', id })
    waiting++
    const settled = (outcome: 'ack' | 'refused' | 'unknown') => {
      waiting--
      told.push({ kind: 'settled', id, outcome })
    }
    socket.publish(ROOM, id).then(
      () => settled('ack'),
      ({ code }: { code?: string }) => settled(code === 'outcome-unknown' ? 'unknown' : 'refused'),
    )
  }

  function ask() {
    const number = ++publishes
    waiting++
    socket.request('double', number).then(
      (answer) => {
        waiting--
        if (answer !== number * 2) faults.push(`a request for ${number} was answered with ${String(answer)}`)
      },
      () => void waiting--,
    )
  }

  return {
    socket,
    publishNow() {
      const next = () => {
        if (!publishing) return
        if (random() < 0.3) ask()
        else publish()
        systemClock.setTimeout(next, 5 + random() * 40)
      }
      next()
    },
    stop: () => void (publishing = false),
    /** Live, on one leg, with everything answered and everything up to `head`. */
    done: (head: number) =>
      faults.length > 0 ||
      (waiting === 0 &&
        at >= head &&
        socket.store.getState().status === 'live' &&
        socket.store.getState().handover === null),
    judge(record: TopicRecord, head: number): string[] {
      const judge = createJudge(record)
      for (const one of told) {
        if (one.kind === 'start') judge.started(one.epoch, one.offset)
        else if (one.kind === 'message') judge.delivered(one)
        else if (one.kind === 'gap') judge.gap(one.gap)
        else if (one.kind === 'published') judge.published(one.id)
        else judge.settled(one.id, one.outcome)
      }
      const { status, handover } = socket.store.getState()
      const late = status === 'live' && handover === null ? [] : [`it is ${status} long after all is well`]
      if (waiting > 0) late.push(`${waiting} publishes or requests are not answered`)
      if (at < head) late.push(`it is at ${at} of ${head}`)
      return [...faults, ...judge.broken, ...judge.owed(), ...late]
    },
  }
}

async function readRecord(log: TopicLog): Promise<TopicRecord> {
  const entries: { epoch: string; offset: number; data: unknown; hidden: boolean }[] = []
  let { epoch } = await log.head(ROOM)
  for (let after = 0; ; ) {
    const page = await log.read(ROOM, after, { maxMessages: 1_000, maxBytes: 1_048_576 })
    epoch = page.epoch
    for (const { offset, data } of page.entries)
      entries.push({ epoch, offset, data: JSON.parse(data) as unknown, hidden: false })
    const last = page.entries.at(-1)
    if (!last) break
    after = last.offset
  }
  return {
    epoch,
    trimmed: (entries[0]?.offset ?? 1) - 1,
    archive: (of) => (of === epoch ? entries : []),
    applied: (data) => entries.filter((entry) => entry.data === data).length,
  }
}

const wait = (ms: number) => new Promise<void>((resolve) => void systemClock.setTimeout(resolve, ms))

async function until(holds: () => Promise<boolean>, limit: number) {
  const end = systemClock.monotonic() + limit
  while (!(await holds()) && systemClock.monotonic() < end) await wait(10)
}
