import { systemClock, type Random } from '../../../src/base/clock.js'
import type { TopicLog } from '../../../src/server/index.js'
import { seededRandom } from '../../kit/seeded-random.js'
import type { TopicRecord } from '../judge.js'
import { startClient, type ChaosClient } from './chaos-client.js'
import { ROOM, SIDE, startChaosService, type ChaosService } from './chaos-service.js'
import { TROUBLED, type Plan, type Trouble } from './trouble.js'

export interface ChaosOutcome {
  readonly broken: readonly string[]
  readonly delivered: number
  readonly moves: number
  readonly reconnects: number
}

/** Everything must be well within this time after the last trouble, ms: the sum of the time limits set below. */
const CALM = 20_000

const CLIENTS = 2

/**
 * A client that was away for less never left, ms: the time that a server waits by default, plus a second for a busy
 * machine.
 */
const GRACE = 4_000

/** Runs one plan on real sockets, and judges it by the final content of the log. */
export async function runPlan(plan: Plan, createLog: () => TopicLog): Promise<ChaosOutcome> {
  const random = seededRandom(plan.seed)
  const service = await startChaosService(createLog, random, plan.tokens ? 1_500 : undefined)
  const clients = Array.from({ length: CLIENTS }, (_, index) => startClient(service.url, `c${index + 1}`, plan, random))
  service.publish()
  for (const client of clients) client.publishNow()
  const cancels = plan.troubles.map(({ at, what }) =>
    systemClock.setTimeout(() => act(what, service, clients[0]!, random), at),
  )
  await wait(TROUBLED + 50)
  for (const cancel of cancels) cancel()
  for (const client of clients) client.stop()
  service.stop()
  /** The clients, and the last data of each about itself. */
  const there = () => clients.map((client) => client.says()).join(' ')
  const log = createLog()
  let [head, sideHead] = [0, 0]
  const well = await until(async () => {
    // Publishes that were on their way to the log when everything was stopped still arrive.
    if (![service, ...clients].every((one) => one.settled())) return false
    head = (await log.head(ROOM)).offset
    sideHead = (await log.head(SIDE)).offset
    return clients.every((client) => client.done(head, sideHead) && client.sees() === there())
  }, CALM)

  const [record, sideRecord] = [await readRecord(log, ROOM), await readRecord(log, SIDE)]
  const owed = well ? null : { head, sideHead, there: there() }
  const broken = clients.flatMap((client, index) =>
    client.judge(record, sideRecord, owed).map((what) => `client ${index + 1}: ${what}`),
  )
  const gone = clients.reduce((sum, client) => sum + client.shrank, 0)
  // A page that is stored closes its legs properly.
  const stored = plan.troubles.some(({ what }) => what === 'store')
  if (gone > 0 && !stored && clients.every((client) => client.longestAway() < GRACE))
    broken.push('somebody left who was there')
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

function act(what: Trouble, service: ChaosService, { socket, page }: ChaosClient, random: Random) {
  const { path } = service
  const later = (task: () => void) => void systemClock.setTimeout(task, random() * 300)
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
    case 'hide':
      page.tell('hidden')
      return later(() => page.tell('shown'))
    case 'store':
      page.tell('stored')
      return later(() => page.tell('restored'))
    case 'offline':
      page.hint('offline')
      return later(() => page.hint('online'))
    case 'network-change':
      return page.hint('change')
    case 'stall-log':
      return service.stallLog(random() * 300)
    case 'renew-tokens':
      return service.renewTokens()
  }
}

async function readRecord(log: TopicLog, topic: string): Promise<TopicRecord> {
  const entries: { epoch: string; offset: number; data: unknown; hidden: boolean }[] = []
  let { epoch } = await log.head(topic)
  for (let after = 0; ; ) {
    const page = await log.read(topic, after, { maxMessages: 1_000, maxBytes: 1_048_576 })
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

/** Whether the condition became true within `limit` ms. */
async function until(holds: () => Promise<boolean>, limit: number): Promise<boolean> {
  const end = systemClock.monotonic() + limit
  while (systemClock.monotonic() < end) {
    if (await holds()) return true
    await wait(10)
  }
  return false
}
