import { Present, type Clock } from '../../src/base/clock.js'
import type { createOutbox, PublishFrame } from '../../src/publishes/outbox.js'
import type { createPublishRecord } from '../../src/server/log/publish-record.js'
import type { createSessionRegister } from '../../src/server/log/session-register.js'
import { ROUNDING } from '../../src/server/publishes/publisher.js'
import type { Answer } from '../../src/server/log/topic-log.js'
import { seededRandom } from '../../src/testing/seeded-random.js'

/** Both halves, or a mutant of one: the client's outbox, and the server's records of publishes. */
export interface Halves {
  readonly createOutbox: typeof createOutbox
  readonly createPublishRecord: typeof createPublishRecord
  readonly createSessionRegister: typeof createSessionRegister
}

type Said = Answer & { readonly id: string; readonly retryAfter?: number }

/** A leg and the server behind it. What was sent on a leg that is gone may still be applied, however late. */
interface ModelLeg {
  number: number
  /** Frames in the order of sending; a number is the time of a ping whose pong was sent at that point. */
  inbox: (PublishFrame | number)[]
  /** Frames that arrive now were sent at this time or later. */
  from: number
  ping: number | null
  answers: Said[]
  gone: boolean
  released: boolean
}

const TOPICS = ['room', 'hall']

/**
 * One random history of an outbox with up to two legs: deaths, cutovers, delayed frames, slow and busy servers, aborts
 * and ttls. The servers share a log and its records, forget early, and lose what they know. Returns the promises that
 * were broken; empty if none was.
 */
export async function walk(
  { createOutbox, createPublishRecord, createSessionRegister }: Halves,
  seed: number,
  steps = 140,
): Promise<string[]> {
  const random = seededRandom(seed)
  const chance = (share: number) => random() < share
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]
  const broken: string[] = []

  // A synchronous clock: the walk needs no promises to run between timers.
  let time = 0
  let timers: { due: number; task: () => void }[] = []
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    setTimeout(task, delay) {
      const timer = { due: time + delay, task }
      timers.push(timer)
      return () => void (timers = timers.filter((other) => other !== timer))
    },
    frame: (task) => clock.setTimeout(task, 16),
  }
  const advance = (ms: number) => {
    for (const target = time + ms; ; ) {
      const next = timers.filter(({ due }) => due <= target).sort((a, b) => a.due - b.due)[0]
      time = next?.due ?? target
      if (!next) return
      timers = timers.filter((other) => other !== next)
      next.task()
    }
  }

  /** The applied publishes of each topic, in order. */
  const logs = new Map<string, { id: string; n: number }[]>(TOPICS.map((topic) => [topic, []]))
  const maxIds = pick([1, 2, 5, 1_000])!
  const sessions = createSessionRegister(
    { idle: pick([500, 3_000, 600_000])!, maxIdle: 10 },
    (born) =>
      createPublishRecord(
        born,
        pick([1_000, 600_000])!,
        () => maxIds,
        () => time,
      ),
    () => time,
  )
  const legs: ModelLeg[] = []
  const settled = new Map<string, unknown>()
  const takenBack = new Set<string>()
  const topicsOf = new Map<string, string>()
  /** Publishes whose outcome a server called unknown: each was applied before that, or never is. */
  const unknown = new Set<string>()
  /**
   * Publishes refused because a later one was decided first; and those refused temporarily, the only reason that may
   * lead to that.
   */
  const outOfOrder = new Set<string>()
  const lostItsPlace = new Set<string>()
  let count = 0
  let refusing = 0.1
  let losses = chance(0.3)

  const outbox = createOutbox(
    {
      clock: Object.assign(clock, { present: new Present(clock) }),
      id: () => `p${count}`,
      maxMessages: 12,
      maxBytes: 2 ** 20,
      ackTimeout: 10_000,
      settleTimeout: 1_000,
      acknowledges: true,
    },
    {
      closed: null,
      serving: null,
      send(number, sent) {
        // A copy as it goes over the wire, since the outbox goes on using its frame.
        const { type, id, topic, n, data, age } = sent as PublishFrame
        const frame: PublishFrame = { type, id, topic, n, data, age }
        const leg = legs.find((other) => other.number === number)
        if (!leg || leg.gone) return broken.push(`${frame.id} was sent on leg ${number}, which is gone`) > 0
        if (takenBack.has(frame.id)) broken.push(`${frame.id} was sent after it was taken back`)
        if (settled.has(frame.id)) broken.push(`${frame.id} was sent after it had settled`)
        // A codec is the application's code too.
        if (chance(0.02)) publish()
        if (chance(0.05)) return false
        leg.inbox.push(frame)
        return true
      },
      changed() {
        if (outbox.size.messages > 12) broken.push('the outbox grew past its bound')
      },
      overdue(number) {
        if (alive().at(-1)?.number !== number) broken.push(`overdue named leg ${number}, which is not active`)
      },
    },
  )
  const alive = () => legs.filter((leg) => !leg.gone)

  function apply({ id, topic, n, age }: PublishFrame, flight: number): Said {
    const record = sessions.record('s')
    const origin = {
      session: 's',
      id,
      place: { topic, n: n! },
      flight,
      ...(age === undefined ? {} : { age: age + ROUNDING }),
    }
    const known = record.find(origin)
    if (known) return { id, ...known }
    const log = logs.get(topic)!
    if (chance(refusing)) {
      const nack = { type: 'nack', code: 'busy', message: 'no' } as const
      if (chance(0.5)) {
        lostItsPlace.add(id)
        return { id, ...nack, retryAfter: 100 }
      }
      record.add(origin, nack)
      return { id, ...nack }
    }
    if (unknown.has(id)) broken.push(`${id} was applied after it was said to be unknown`)
    const ack = { type: 'ack', offset: log.push({ id, n: n! }) } as const
    record.add(origin, ack)
    return { id, ...ack }
  }

  /** Serves publishes into one topic in the order of arrival, and those into other topics independently. */
  function serve(leg: ModelLeg) {
    const [first] = leg.inbox
    if (typeof first === 'number') {
      leg.inbox.shift()
      leg.from = first
      return
    }
    const topic = pick(TOPICS)!
    const at = leg.inbox.findIndex((frame) => typeof frame === 'number' || frame.topic === topic)
    const frame = leg.inbox[at]
    if (frame === undefined || typeof frame === 'number') return
    leg.inbox.splice(at, 1)
    const said = apply(frame, time - leg.from)
    if (said.type === 'nack' && said.code === 'outcome-unknown') unknown.add(said.id)
    if (said.type === 'nack' && said.code === 'out-of-order') outOfOrder.add(said.id)
    leg.answers.push(said)
  }

  function answer(leg: ModelLeg) {
    const next = leg.answers.shift()
    if (!next || leg.gone) return
    if (next.type === 'ack') outbox.acked(next)
    else outbox.nacked({ id: next.id, code: next.code, message: 'no', retryAfter: next.retryAfter }, leg.number)
  }

  function connect() {
    // There are never more than two legs: the coordinator closes the oldest first.
    const [oldest, ...others] = alive()
    if (oldest && others.length > 0) end(oldest)
    const number = legs.length + 1
    sessions.admit('s', number, undefined)
    time += 0.001
    legs.push({ number, inbox: [], from: time, ping: null, answers: [], gone: false, released: false })
    outbox.ready(number)
  }

  function end(leg: ModelLeg) {
    leg.gone = true
    outbox.gone(leg.number)
  }

  /** The server learns of a leg's end some time after the client. Frames that arrived before must still be served. */
  function release(leg: ModelLeg) {
    if (!leg.gone || leg.released) return
    leg.released = true
    sessions.release('s', leg.number)
  }

  function ping(leg: ModelLeg) {
    if (leg.ping === null) leg.ping = time
    else {
      leg.inbox.push(leg.ping)
      leg.ping = null
    }
  }

  function publish() {
    const controller = new AbortController()
    const id = `p${++count}`
    const topic = pick(TOPICS)!
    topicsOf.set(id, topic)
    const takeBack = () => {
      takenBack.add(id)
      controller.abort()
    }
    if (chance(0.05)) takeBack()
    const promise = outbox.publish(topic, id, {
      signal: controller.signal,
      ...(chance(0.2) ? { ttl: 1 + random() * 3_000 } : {}),
    })
    const settle = (outcome: unknown) => {
      if (settled.has(id)) broken.push(`${id} settled twice`)
      settled.set(id, outcome)
    }
    promise.then(settle, (error: { code: string }) => settle(error.code))
    if (chance(0.1)) clock.setTimeout(takeBack, random() * 2_000)
  }

  const actions: (() => void)[] = [
    publish,
    publish,
    publish,
    () => {
      const leg = pick(legs)
      if (leg) serve(leg)
    },
    () => {
      const leg = pick(alive())
      if (leg) serve(leg)
    },
    () => {
      const leg = pick(alive())
      if (leg) serve(leg)
    },
    () => {
      const leg = pick(alive())
      if (leg) answer(leg)
    },
    () => {
      const leg = pick(alive())
      if (leg) answer(leg)
    },
    () => {
      const leg = pick(alive())
      if (leg && chance(0.5)) ping(leg)
    },
    () => {
      const leg = pick(legs)
      if (leg && chance(0.5)) release(leg)
    },
    () => advance(random() * 500),
    () => {
      if (chance(0.4)) connect()
    },
    () => {
      const leg = pick(alive())
      if (leg && chance(0.4)) end(leg)
    },
    () => {
      const leg = alive().at(-1)
      if (leg) outbox.ready(leg.number)
    },
    () => {
      if (losses && chance(0.1)) {
        sessions.loseRecords()
        time += 0.001
      }
    },
  ]
  const settle = async () => {
    for (let hop = 0; hop < 4; hop++) await null
  }
  for (let step = 0; step < steps; step++) {
    pick(actions)!()
    await settle()
  }
  // The faults end, except for an old leg that says nothing more. What is left settles, and late frames of dead legs
  // arrive last.
  refusing = 0
  losses = false
  connect()
  for (let round = 0; round < 300 && outbox.size.messages > 0; round++) {
    outbox.ready(legs.length)
    const leg = alive().at(-1)!
    serve(leg)
    answer(leg)
    advance(50)
    await settle()
  }
  for (const leg of legs) for (let round = 0; round < 1_000 && leg.inbox.length > 0; round++) serve(leg)
  if (outbox.size.messages > 0 || settled.size < count) broken.push(`${count - settled.size} publishes never settled`)

  for (const log of logs.values()) {
    if (new Set(log.map(({ id }) => id)).size < log.length) broken.push('one was applied twice')
    if (log.some(({ id }, at) => at > 0 && Number(id.slice(1)) < Number(log[at - 1]!.id.slice(1))))
      broken.push('one was applied out of order')
  }
  for (const [id, outcome] of settled) {
    const at = logs.get(topicsOf.get(id)!)!.findIndex((entry) => entry.id === id) + 1
    if (typeof outcome === 'object') {
      if ((outcome as { offset: number }).offset !== at)
        broken.push(`${id} settled as applied at ${(outcome as { offset: number }).offset}, and is at ${at}`)
    } else if (outcome !== 'outcome-unknown' && at > 0)
      broken.push(`${id} settled as ${String(outcome)} and was applied`)
  }
  for (const id of outOfOrder)
    if (settled.get(id) === 'refused' && !lostItsPlace.has(id)) broken.push(`${id} was sent behind later ones`)
  outbox.close('closed')
  return broken
}
