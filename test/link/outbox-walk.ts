import type { Clock } from '../../src/base/clock.js'
import type { createOutbox, PublishFrame } from '../../src/link/outbox.js'
import { seededRandom } from '../../src/testing/seeded-random.js'

type Answer = { id: string; ok: true; offset: number } | { id: string; ok: false; retryAfter?: number }

/** A leg and the server behind it. What was sent on a leg that is gone may still be applied, however late. */
interface ModelLeg {
  number: number
  inbox: PublishFrame[]
  answers: Answer[]
  gone: boolean
}

/**
 * One random history of an outbox between up to two legs, with deaths, cutovers, slow and busy servers, aborts and ttls, against
 * servers that share a log and its record of ids. Returns what broke a promise; nothing when none was broken.
 */
export async function walk(create: typeof createOutbox, seed: number, steps = 120): Promise<string[]> {
  const random = seededRandom(seed)
  const chance = (share: number) => random() < share
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]
  const broken: string[] = []

  // A clock that moves at once: the walk needs no promise between timers.
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

  const log: string[] = []
  const record = new Map<string, Answer>()
  const legs: ModelLeg[] = []
  const lostItsPlace = new Set<string>()
  const settled = new Map<string, unknown>()
  let count = 0
  let refusing = 0.1

  const outbox = create(
    { clock, id: () => `p${count}`, maxMessages: 12, maxBytes: 2 ** 20, ackTimeout: 10_000, settleTimeout: 1_000, acknowledges: true },
    {
      send(number, frame) {
        const leg = legs.find((other) => other.number === number)
        if (!leg || leg.gone) return broken.push(`${frame.id} was sent on leg ${number}, which is gone`) > 0
        if (settled.has(frame.id)) broken.push(`${frame.id} was sent after it had settled`)
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

  function serve(leg: ModelLeg) {
    const frame = leg.inbox.shift()
    if (!frame) return
    let answer = record.get(frame.id)
    if (!answer) {
      if (chance(refusing)) {
        answer = chance(0.5) ? { id: frame.id, ok: false, retryAfter: 100 } : { id: frame.id, ok: false }
        if (answer.retryAfter) lostItsPlace.add(frame.id)
      } else answer = { id: frame.id, ok: true, offset: log.push(frame.id) }
      if (answer.ok || answer.retryAfter === undefined) record.set(frame.id, answer)
    }
    leg.answers.push(answer)
  }

  function answer(leg: ModelLeg) {
    const next = leg.answers.shift()
    if (!next || leg.gone) return
    if (next.ok) outbox.acked(next.id, next.offset)
    else outbox.nacked(next.id, next.retryAfter ? 'busy' : 'forbidden', 'no', next.retryAfter, leg.number)
  }

  function connect() {
    // Never more than two: the coordinator closes the older one first.
    const [oldest, ...others] = alive()
    if (oldest && others.length > 0) end(oldest)
    legs.push({ number: legs.length + 1, inbox: [], answers: [], gone: false })
    outbox.ready(legs.length)
  }

  function end(leg: ModelLeg) {
    leg.gone = true
    outbox.gone(leg.number)
  }

  function publish() {
    const controller = new AbortController()
    const id = `p${++count}`
    const promise = outbox.publish('room', id, { signal: controller.signal, ...(chance(0.2) ? { ttl: 1 + random() * 3_000 } : {}) })
    const settle = (outcome: unknown) => {
      if (settled.has(id)) broken.push(`${id} settled twice`)
      settled.set(id, outcome)
    }
    promise.then(settle, (error: { code: string }) => settle(error.code))
    if (chance(0.1)) clock.setTimeout(() => controller.abort(), random() * 2_000)
  }

  const actions: (() => void)[] = [
    publish,
    publish,
    publish,
    () => { const leg = pick(legs); if (leg) serve(leg) },
    () => { const leg = pick(alive()); if (leg) serve(leg) },
    () => { const leg = pick(alive()); if (leg) answer(leg) },
    () => { const leg = pick(alive()); if (leg) answer(leg) },
    () => advance(random() * 500),
    () => { if (chance(0.4)) connect() },
    () => { const leg = pick(alive()); if (leg && chance(0.4)) end(leg) },
    () => { const leg = alive().at(-1); if (leg) outbox.ready(leg.number) },
  ]
  const settle = async () => {
    for (let hop = 0; hop < 4; hop++) await null
  }
  for (let step = 0; step < steps; step++) {
    pick(actions)!()
    await settle()
  }
  // The faults end, but for an old leg that says nothing more: what is left settles, and late frames of dead legs arrive last.
  refusing = 0
  connect()
  for (let round = 0; round < 200 && outbox.size.messages > 0; round++) {
    outbox.ready(legs.length)
    const leg = alive().at(-1)!
    serve(leg)
    answer(leg)
    advance(50)
    await settle()
  }
  for (const leg of legs) while (leg.inbox.length > 0) serve(leg)
  if (outbox.size.messages > 0 || settled.size < count) broken.push(`${count - settled.size} publishes never settled`)

  const applied = new Map(log.map((id, at) => [id, at + 1]))
  if (applied.size < log.length) broken.push('one was applied twice')
  let last = 0
  for (let number = 1; number <= count; number++) {
    const id = `p${number}`
    const outcome = settled.get(id)
    const at = applied.get(id)
    if (typeof outcome === 'object') {
      if ((outcome as { offset: number }).offset !== at) broken.push(`${id} settled as applied at ${(outcome as { offset: number }).offset}, and is at ${at}`)
      if (at !== undefined && !lostItsPlace.has(id)) {
        if (at < last) broken.push(`${id} was applied out of order`)
        last = at
      }
    } else if (outcome !== 'outcome-unknown' && at !== undefined) broken.push(`${id} settled as ${String(outcome)} and was applied`)
  }
  outbox.close()
  return broken
}
