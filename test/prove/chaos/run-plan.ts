import { WebSocket } from 'ws'
import { systemClock } from '../../../src/base/clock.js'
import { createLiveSocket, type LiveSocket } from '../../../src/index.js'
import { presence } from '../../../src/presence/index.js'
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

/** Who was away for less was never gone, ms: what a server waits for by default, and a second for a busy machine. */
const GRACE = 4_000

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
  /** Who is there, and what each said of itself last. */
  const there = () => clients.map((client) => client.says()).join(' ')
  const log = createLog()
  let head = 0
  const well = await until(async () => {
    // What was on its way to the log as the clients were stopped comes still.
    head = (await log.head(ROOM)).offset
    return clients.every((client) => client.done(head) && client.sees() === there())
  }, CALM)

  const record = await readRecord(log)
  const broken = clients.flatMap((client, index) =>
    client.judge(record, well ? null : { head, there: there() }).map((what) => `client ${index + 1}: ${what}`),
  )
  const gone = clients.reduce((sum, client) => sum + client.shrank, 0)
  if (gone > 0 && clients.every((client) => client.longestAway() < GRACE)) broken.push('somebody left who was there')
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
    url: `${url}?${name}`,
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
    if (gap.topic !== ROOM) return
    at = Math.max(at, gap.to ?? 0)
    told.push({ kind: 'gap', gap })
  })
  socket.on('error', ({ error }) => void faults.push(`an error event: ${error.message}`))
  socket.on('session-ended', ({ reason }) => void faults.push(`the session ended: ${reason}`))
  const here = presence<number, string>(socket, ROOM, {
    data: 0,
    onError: ({ message }) => void faults.push(`it may not be present: ${message}`),
  })
  let said = 0
  let shrank = 0
  let members = here.members.getState()
  here.members.subscribe((list) => {
    if (list.length < members.length) shrank++
    members = list
  })

  let begun = false
  let awaySince: number | null = null
  let longestAway = 0
  socket.store.subscribe(({ status }) => {
    if (begun && status !== 'live') awaySince ??= systemClock.monotonic()
    if (status === 'live' && awaySince !== null) {
      longestAway = Math.max(longestAway, systemClock.monotonic() - awaySince)
      awaySince = null
    }
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

  function update() {
    waiting++
    here.update(++said).then(
      () => void waiting--,
      ({ message }: Error) => {
        waiting--
        faults.push(`what it says of itself is refused: ${message}`)
      },
    )
  }

  return {
    socket,
    get shrank() {
      return shrank
    },
    /** Also where it is away still. */
    longestAway: () => Math.max(longestAway, awaySince === null ? 0 : systemClock.monotonic() - awaySince),
    says: () => `${name}:${said}`,
    sees: () =>
      members
        .map(({ user, data }) => `${user}:${data}`)
        .sort()
        .join(' '),
    publishNow() {
      const next = () => {
        if (!publishing) return
        const what = random()
        if (what < 0.1) update()
        else if (what < 0.35) ask()
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
    /** `owed`: what it still lacks although it has had its time; null where it was well within it. */
    judge(record: TopicRecord, owed: { readonly head: number; readonly there: string } | null): string[] {
      const judge = createJudge(record)
      for (const one of told) {
        if (one.kind === 'start') judge.started(one.epoch, one.offset)
        else if (one.kind === 'message') judge.delivered(one)
        else if (one.kind === 'gap') judge.gap(one.gap)
        else if (one.kind === 'published') judge.published(one.id)
        else judge.settled(one.id, one.outcome)
      }
      if (!owed) return [...faults, ...judge.broken, ...judge.owed()]
      const { status, handover } = socket.store.getState()
      const late: string[] = []
      if (status !== 'live' || handover) late.push(`it is ${handover ? 'handing over' : status} long after all is well`)
      if (waiting > 0) late.push(`${waiting} publishes or requests are not answered`)
      if (this.sees() !== owed.there) late.push(`it sees ${this.sees()}, and there are ${owed.there}`)
      if (at < owed.head) late.push(`it is at ${at} of ${owed.head}`)
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

/** Whether it held within so many ms. */
async function until(holds: () => Promise<boolean>, limit: number): Promise<boolean> {
  const end = systemClock.monotonic() + limit
  while (systemClock.monotonic() < end) {
    if (await holds()) return true
    await wait(10)
  }
  return false
}
