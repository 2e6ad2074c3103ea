import type { Clock } from '../../src/base/clock.js'
import type { createMerge, Gap, MergedMessage } from '../../src/link/merge.js'
import type { ClientFrame, MessageFrame, Position, ServerFrame, TopicAnswer, TopicRequests } from '../../src/protocol/frames.js'
import { seededRandom } from '../kit/seeded-random.js'

/*
 * A world for the merge: two servers over one log, legs whose two directions are queues, an application that comes and goes.
 * What the world does is drawn from a seed; what the merge then says is held against the log.
 */

const TOPICS = ['a', 'b']
const GAP_TIMEOUT = 250

/** What may happen in a world besides messages and moves. */
export interface Flavour {
  readonly history: readonly [boolean, boolean]
  readonly hidden: boolean
  readonly trim: boolean
  readonly epochs: boolean
  /** Messages that a server loses on their way to a leg: now and then, or on both servers each time. */
  readonly holes: 'none' | 'passing' | 'lasting'
  readonly kills: boolean
  /** Old legs are closed before they were done. */
  readonly hasty: boolean
  readonly omits: boolean
  readonly lag: boolean
  readonly application: boolean
  readonly reentry: boolean
  readonly small: boolean
}

export function flavourOf(seed: number): Flavour {
  const random = seededRandom(seed)
  const yes = (share: number) => random() < share
  const calm = yes(0.2)
  return {
    history: [yes(0.6), yes(0.6)],
    hidden: yes(0.5),
    trim: !calm && yes(0.4),
    epochs: !calm && yes(0.3),
    holes: calm || yes(0.75) ? 'none' : yes(0.6) ? 'passing' : 'lasting',
    kills: !calm && yes(0.6),
    hasty: !calm && yes(0.3),
    omits: !calm && yes(0.3),
    lag: yes(0.4),
    application: !calm && yes(0.5),
    reentry: !calm && yes(0.3),
    small: !calm && yes(0.2),
  }
}

interface Log {
  epoch: number
  /** Of each epoch, which offsets (from 1) this client may see. */
  readonly visible: boolean[][]
  oldest: number
}

interface Connection {
  readonly number: number
  readonly server: number
  readonly up: ClientFrame[]
  readonly down: ServerFrame[]
  readonly subscriptions: Map<string, { cursor: number; told: number }>
  readonly hello: Map<string, { generation: number; from: Position | null }>
  /** What the leg said of each topic, as a reader of PROTOCOL keeps it. */
  readonly said: Map<string, { generation: number; pending: string | null; from: Position | null; answer: TopicAnswer | null; unasked: boolean; newest: number }>
  readySince: number | null
}

interface Reader {
  generation: number
  at: Position | null
  /** Asked for a position of an epoch that is not the present one: a gap may name the present one again. */
  foreign: boolean
  arrived: Set<number>
  prevs: Set<number>
}

export function playWorld(create: typeof createMerge, flavour: Flavour, steps: readonly number[], trace?: string[]): string | null {
  const clock = createQueueClock()
  const logs = new Map<string, Log>(TOPICS.map((topic) => [topic, { epoch: 0, visible: [[]], oldest: 1 }]))
  const known = [0, 1].map(() => new Map(TOPICS.map((topic) => [topic, { epoch: 0, head: 0 }])))
  const connections = new Map<number, Connection>()
  const readers = new Map<string, Reader>()
  let active: Connection | null = null
  let old: Connection | null = null
  let legs = 0
  let ids = 0
  let generations = 0
  let quiet = false
  let depth = 0
  let telling = false
  /** Subscribes of one topic from one position on one leg at one moment. */
  const asked = new Map<string, number>()
  let failure: string | null = null
  let random = seededRandom(0)

  const note = (line: string) => void trace?.push(`${' '.repeat(2 * depth)}${line}`)
  const yes = (share: number) => random() < share
  const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)]
  const epochName = (epoch: number) => `e${epoch}`
  const fail = (text: string) => {
    failure ??= text
    note(`!! ${text}`)
  }
  const seen = (topic: string, epoch: string, offset: number) => logs.get(topic)!.visible[Number(epoch.slice(1))]?.[offset - 1] === true
  const isLost = (offset: number) => flavour.holes === 'lasting' && offset % 7 === 3
  const head = (topic: string) => logs.get(topic)!.visible[logs.get(topic)!.epoch]!.length

  const merge = create(
    { clock, id: () => `s${++ids}`, gapTimeout: GAP_TIMEOUT, maxMessages: flavour.small ? 3 : 1_000, maxBytes: 1e6 },
    {
      deliver(message) {
        tell()
        note(`=> ${message.topic} ${message.epoch}:${message.offset}`)
        checkMessage(message)
        reenter()
        telling = false
      },
      gap(gap) {
        tell()
        note(`=> gap ${gap.topic} ${gap.epoch} ${gap.from}..${gap.to} ${gap.reason}`)
        checkGap(gap)
        reenter()
        telling = false
      },
      subscribe(leg, id, topics) {
        const connection = connections.get(leg)
        if (!connection || connection !== active) return fail(`subscribe on leg ${leg}, which is not the active one`)
        note(`   subscribe ${id} on ${leg}: ${show(topics)}`)
        for (const [topic, from] of topics) {
          const same = `${topic} ${leg} ${readers.get(topic)?.generation} ${from?.epoch}:${from?.offset} ${clock.now()}`
          asked.set(same, (asked.get(same) ?? 0) + 1)
          if (asked.get(same)! > 3) fail(`${topic} is asked for again and again`)
          connection.said.set(topic, { generation: readers.get(topic)?.generation ?? -1, pending: id, from, answer: null, unasked: false, newest: 0 })
        }
        connection.up.push({ type: 'subscribe', id, topics })
      },
      unsubscribe(leg, topics) {
        for (const topic of topics) connections.get(leg)?.said.delete(topic)
        connections.get(leg)?.up.push({ type: 'unsubscribe', topics })
      },
      overflow() {
        const standby = [...connections.values()].find((connection) => connection.readySince === null)
        if (standby) gone(standby, 'overflow')
        else for (const reader of readers.values()) reader.arrived.clear()
        return standby !== undefined
      },
      invalid: (topic, reason) => fail(`invalid ${topic}: ${reason}`),
    },
  )

  function tell() {
    if (telling) fail('told one thing while another one is being told')
    telling = true
  }

  // What the application is told, against the log.

  function checkMessage({ topic, epoch, offset, data }: MergedMessage) {
    const reader = readers.get(topic)
    if (!reader?.at) return fail(`a message of ${topic}, which has no position`)
    if (epoch !== reader.at.epoch) return fail(`a message of ${epoch} where ${reader.at.epoch} is`)
    if (offset <= reader.at.offset) return fail(`${topic} ${offset} after ${reader.at.offset}`)
    if (data !== `${topic}/${epoch}/${offset}` || !seen(topic, epoch, offset)) return fail(`${topic} ${offset} is an invention`)
    passOver(topic, reader, offset)
  }

  function passOver(topic: string, reader: Reader, to: number) {
    const { epoch, offset } = reader.at!
    for (let i = offset + 1; i < to; i++) if (seen(topic, epoch, i)) fail(`${topic} ${epoch}:${i} was skipped in silence`)
    reader.at = { epoch, offset: to }
  }

  function checkGap({ topic, epoch, from, to, reason }: Gap) {
    const reader = readers.get(topic)
    if (!reader?.at) return fail(`a gap of ${topic}, which has no position`)
    const present = merge.position(topic)!
    const { at } = reader
    if (reason === 'epoch') {
      if (from !== null || to !== null || (epoch === at.epoch && !reader.foreign)) fail(`a gap of the epoch ${epoch} in ${at.epoch}`)
      if (present.epoch !== epoch) fail(`a gap of ${epoch} at a position in ${present.epoch}`)
      const word = active?.said.get(topic)
      if (word?.answer?.epoch !== epoch) fail(`a gap of ${epoch}, which the active leg did not name`)
      else if (!word.unasked && !reader.foreign && word.from?.epoch !== at.epoch) fail(`a gap of ${epoch} by an answer to no position in ${at.epoch}`)
      reader.at = present
      reader.foreign = false
      reader.arrived.clear()
      reader.prevs.clear()
      return
    }
    if (epoch !== at.epoch || from === null || to === null || to < from || from <= at.offset) return fail('a gap that does not fit the position')
    passOver(topic, reader, from)
    reader.at = { epoch, offset: to }
    for (const offset of reader.arrived) if (!flavour.small && offset >= from && offset <= to) fail(`the gap holds ${offset}, which has arrived`)
    const said = active?.said.get(topic)
    const answered = said?.answer && said.from?.epoch === epoch && said.answer.epoch === epoch && said.answer.after >= to
    if (reason === 'trimmed' && !(answered && said.answer!.after === to)) fail(`a trimmed gap to ${to} that no answer to a position named`)
    if (reason === 'lost' && !(reader.prevs.has(to) && (answered || flavour.holes !== 'none'))) fail(`a lost gap to ${to} for no reason`)
    const before = from - 1
    const oldSaid = old?.said.get(topic)
    const oldCovers = oldSaid?.answer && oldSaid.answer.epoch === epoch && oldSaid.answer.after <= before && oldSaid.newest <= before
    if (oldCovers && clock.now() - active!.readySince! < GAP_TIMEOUT) fail('a gap while the old leg covers')
    if (flavour.history[0] && flavour.history[1] && !flavour.trim && flavour.holes === 'none') fail('a gap though every server has everything')
    if (!flavour.kills && !flavour.epochs && !flavour.trim && flavour.holes === 'none' && !flavour.hasty && !flavour.omits && !flavour.application) fail('a gap in a calm world')
  }

  function checkStep() {
    for (const [topic, reader] of readers) {
      const at = merge.position(topic)
      if (!reader.at && at) reader.at = at
      else if (at && reader.at && !reader.foreign && at.epoch === reader.at.epoch) {
        if (at.offset < reader.at.offset) fail(`the position of ${topic} went back`)
        else if (at.offset > reader.at.offset) passOver(topic, reader, at.offset + 1)
        reader.at = at
      }
    }
    if (depth === 0 && merge.held.messages > (flavour.small ? 4 : 1_000)) fail(`${merge.held.messages} messages are held`)
    if (!merge.caughtUp()) return
    if (!active) return fail('caught up without a leg')
    for (const topic of readers.keys()) {
      const said = active.said.get(topic)
      const at = merge.position(topic)
      if (!said?.answer || !at || at.epoch !== said.answer.epoch || at.offset < said.answer.offset) fail(`caught up, but not in ${topic}`)
    }
  }

  // The servers.

  function answer(server: number, topic: string, from: Position | null): TopicAnswer {
    const log = logs.get(topic)!
    const view = known[server]!.get(topic)!
    if (from && (from.epoch !== epochName(view.epoch) || from.offset > view.head)) tail(server, topic, Infinity)
    const start = !from ? view.head : from.epoch === epochName(view.epoch) ? Math.min(from.offset, view.head) : 0
    const kept = view.epoch === log.epoch ? log.oldest - 1 : 0
    const after = from && flavour.history[server] ? Math.max(start, Math.min(kept, view.head)) : view.head
    return { epoch: epochName(view.epoch), offset: view.head, after }
  }

  function begin(connection: Connection, topic: string, { offset, after }: TopicAnswer) {
    connection.subscriptions.set(topic, { cursor: after, told: after })
    feed(connection, topic, offset)
  }

  function feed(connection: Connection, topic: string, to: number) {
    const subscription = connection.subscriptions.get(topic)!
    const visible = logs.get(topic)!.visible[known[connection.server]!.get(topic)!.epoch]!
    for (let offset = subscription.cursor + 1; offset <= to; offset++) {
      const before = offset === 1 ? 0 : visible.lastIndexOf(true, offset - 2) + 1
      const prev = flavour.hidden ? (yes(0.5) ? Math.max(before, subscription.told) : before) : offset - 1
      if (visible[offset - 1]) {
        const data = `${topic}/${epochName(known[connection.server]!.get(topic)!.epoch)}/${offset}`
        const lost = flavour.holes === 'passing' ? !quiet && yes(0.08) : isLost(offset)
        if (!lost) connection.down.push({ type: 'message', topic, offset, prev, data, hasData: true })
        subscription.told = offset
      } else if (offset === to || yes(0.5)) {
        connection.down.push({ type: 'message', topic, offset, prev: yes(0.5) ? subscription.told : before, hasData: false })
        subscription.told = offset
      }
    }
    subscription.cursor = Math.max(subscription.cursor, to)
  }

  function tail(server: number, topic: string, most: number) {
    const log = logs.get(topic)!
    const view = known[server]!.get(topic)!
    const readers = [...connections.values()].filter((connection) => connection.server === server && connection.subscriptions.has(topic))
    if (view.epoch !== log.epoch) {
      view.epoch = log.epoch
      view.head = head(topic)
      const after = flavour.history[server] ? log.oldest - 1 : view.head
      const named = { epoch: epochName(view.epoch), offset: view.head, after }
      for (const connection of readers) {
        connection.down.push({ type: 'subscribed', topics: new Map([[topic, named]]) })
        begin(connection, topic, named)
      }
      return
    }
    view.head = Math.min(head(topic), view.head + most)
    for (const connection of readers) feed(connection, topic, view.head)
  }

  function serve(connection: Connection) {
    const frame = connection.up.shift()!
    if (frame.type === 'unsubscribe') for (const topic of frame.topics) connection.subscriptions.delete(topic)
    if (frame.type !== 'hello' && frame.type !== 'subscribe') return
    const answers = new Map<string, TopicAnswer>()
    const errors: ServerFrame[] = []
    for (const [topic, from] of frame.topics) {
      connection.subscriptions.delete(topic)
      if (flavour.omits && !quiet && yes(0.3)) {
        if (frame.type === 'subscribe' && yes(0.5)) errors.push({ type: 'error', code: 'busy', message: 'later', topic, id: frame.id, retryAfter: 100 })
        continue
      }
      answers.set(topic, answer(connection.server, topic, from))
    }
    if (frame.type === 'hello') connection.down.push({ type: 'welcome', server: `n${connection.server}`, topics: answers })
    else {
      connection.down.push(...errors)
      connection.down.push({ type: 'subscribed', id: frame.id, topics: answers })
    }
    for (const [topic, named] of answers) begin(connection, topic, named)
  }

  // The client's side of the legs.

  function dial() {
    const number = ++legs
    const topics = merge.hello(number)
    const hello = new Map([...topics].map(([topic, from]) => [topic, { generation: readers.get(topic)!.generation, from }]))
    const server = active && connections.size > 0 && yes(0.8) ? 1 - active.server : yes(0.5) ? 0 : 1
    const connection: Connection = { number, server, up: [], down: [], subscriptions: new Map(), hello, said: new Map(), readySince: null }
    connection.up.push({ type: 'hello', session: 's', leg: number, topics })
    connections.set(number, connection)
    note(`dial ${number} to n${server}: ${show(topics)}`)
  }

  function gone(connection: Connection, why: string) {
    note(`gone ${connection.number} (${why})`)
    connections.delete(connection.number)
    asked.clear()
    if (connection === old) old = null
    else if (connection === active) {
      active = old
      if (active) active.readySince = clock.now()
      old = null
    }
    merge.gone(connection.number)
  }

  function receive(connection: Connection) {
    const frame = connection.down.shift()!
    const { number, said } = connection
    if (frame.type === 'welcome') {
      note(`<- ${number} welcome ${show(frame.topics)}`)
      old = active
      active = connection
      connection.readySince = clock.now()
      for (const [topic, { generation, from }] of connection.hello) {
        const answer = frame.topics.get(topic) ?? null
        if (readers.get(topic)?.generation === generation) said.set(topic, { generation, pending: null, from, answer, unasked: false, newest: 0 })
      }
      merge.ready(number, frame.topics, new Set())
    } else if (frame.type === 'subscribed') {
      note(`<- ${number} subscribed ${frame.id ?? 'unasked'} ${show(frame.topics)}`)
      for (const [topic, answer] of frame.topics) {
        const one = said.get(topic)
        if (!one || (frame.id === undefined ? one.pending !== null || !one.answer : one.pending !== frame.id)) continue
        said.set(topic, { ...one, pending: null, answer, unasked: frame.id === undefined, newest: 0, from: frame.id === undefined ? null : one.from })
      }
      merge.subscribed(number, frame.id, frame.topics)
    } else if (frame.type === 'error') {
      note(`<- ${number} error ${frame.topic} ${frame.id}`)
      merge.refused(number, frame.topic!, true, frame.id)
    } else if (frame.type === 'message') {
      note(`<- ${number} ${frame.topic} ${frame.prev}>${frame.offset}${frame.hasData ? '' : ' hidden'}`)
      arrive(connection, frame)
      merge.message(number, frame)
    }
    checkStep()
  }

  function arrive({ said }: Connection, { topic, offset, prev, hasData }: MessageFrame) {
    const one = said.get(topic)
    const reader = readers.get(topic)
    if (!one?.answer || !reader) return
    one.newest = Math.max(one.newest, offset)
    if (reader.at?.epoch !== one.answer.epoch || merge.position(topic)?.epoch !== one.answer.epoch) return
    reader.prevs.add(prev)
    if (hasData && offset > reader.at.offset) reader.arrived.add(offset)
  }

  // What may happen.

  function publish() {
    const topic = pick(TOPICS)!
    const log = logs.get(topic)!
    for (let i = yes(0.3) ? 3 : 1; i > 0; i--) log.visible[log.epoch]!.push(!flavour.hidden || yes(0.6))
    note(`publish ${topic} up to ${epochName(log.epoch)}:${head(topic)}`)
    if (!flavour.lag) for (const server of [0, 1]) tail(server, topic, Infinity)
  }

  function trim() {
    const topic = pick(TOPICS)!
    const log = logs.get(topic)!
    const heads = known.map((server) => server.get(topic)!)
    const safe = Math.min(...heads.map(({ epoch, head }) => (epoch === log.epoch ? head : 0)))
    log.oldest = Math.max(log.oldest, Math.min(safe, log.oldest + 1 + Math.floor(random() * 3)))
    note(`trim ${topic}: oldest is ${log.oldest}`)
  }

  function renumber() {
    const topic = pick(TOPICS)!
    const log = logs.get(topic)!
    log.epoch = log.visible.push([]) - 1
    log.oldest = 1
    note(`epoch of ${topic} is ${epochName(log.epoch)}`)
    if (!flavour.lag) for (const server of [0, 1]) tail(server, topic, Infinity)
  }

  function act() {
    const topic = pick(TOPICS)!
    const reader = readers.get(topic)
    const at = merge.position(topic)
    const back: Position | null = at && yes(0.9) ? { epoch: at.epoch, offset: Math.floor(random() * (at.offset + 1)) } : null
    if (!reader) {
      const log = logs.get(topic)!
      const epoch = yes(0.8) ? log.epoch : Math.floor(random() * log.visible.length)
      subscribe(topic, yes(0.6) ? null : { epoch: epochName(epoch), offset: Math.floor(random() * (log.visible[epoch]!.length + 1)) })
    } else if (yes(0.5)) {
      note(`unsubscribe ${topic}`)
      readers.delete(topic)
      merge.unsubscribe(topic)
    } else if (back) subscribe(topic, back)
    else if (flavour.epochs && at) subscribe(topic, { epoch: epochName(Math.floor(random() * logs.get(topic)!.visible.length)), offset: 0 })
  }

  function subscribe(topic: string, from: Position | null) {
    note(`subscribe ${topic} ${from ? `${from.epoch}:${from.offset}` : 'from now'}`)
    const reader = readers.get(topic)
    const at = merge.position(topic)
    if (!reader) {
      readers.set(topic, { generation: ++generations, at: from, foreign: false, arrived: new Set(), prevs: new Set() })
    } else if (from && (!at || at.epoch !== from.epoch || from.offset < at.offset)) {
      reader.generation = ++generations
      reader.foreign ||= at !== null && at.epoch !== from.epoch
      // Only what the merge holds of the same epoch is still there for the way back.
      if (reader.foreign) reader.arrived.clear()
      else for (const offset of reader.arrived) if (at && offset <= at.offset) reader.arrived.delete(offset)
      reader.at = from
    }
    merge.subscribe(topic, from)
  }

  function reenter() {
    if (quiet || !flavour.reentry || depth > 2 || !yes(0.15)) return
    depth++
    const connection = pick([...connections.values()].filter(({ down }) => down.length > 0))
    if (yes(0.5) && connection) receive(connection)
    else if (flavour.application) act()
    depth--
  }

  function step() {
    const waiting = [...connections.values()]
    const kind = random()
    if (kind < 0.2) publish()
    else if (kind < 0.55) {
      const connection = pick(waiting.filter(({ down }) => down.length > 0))
      for (let i = yes(0.3) ? 4 : 1; i > 0; i--) if (connection && connections.has(connection.number) && connection.down.length > 0) receive(connection)
    } else if (kind < 0.7) {
      const connection = pick(waiting.filter(({ up }) => up.length > 0))
      if (connection) serve(connection)
    } else if (kind < 0.76) {
      if (connections.size < 2) dial()
    } else if (kind < 0.82) {
      if (old && (merge.caughtUp() || (flavour.hasty && yes(0.2)))) gone(old, 'closed')
    } else if (kind < 0.86) {
      if (flavour.lag) tail(yes(0.5) ? 0 : 1, pick(TOPICS)!, 1 + Math.floor(random() * 3))
    } else if (kind < 0.9) {
      if (flavour.kills || flavour.holes !== 'none' || flavour.omits) clock.advance(yes(0.3) ? 1_000 : 50 + Math.floor(random() * 100))
    } else if (kind < 0.93) {
      if (flavour.kills && waiting.length > 0 && yes(0.5)) gone(pick(waiting)!, 'died')
    } else if (kind < 0.96) {
      if (flavour.trim) trim()
    } else if (kind < 0.97) {
      if (flavour.epochs) renumber()
    } else if (flavour.application) act()
  }

  /** No faults any more: everything is carried, and time passes, until nothing moves. */
  function calmDown() {
    for (let round = 0; round < 400 && !failure; round++) {
      if (connections.size === 0) dial()
      if (old && merge.caughtUp()) gone(old, 'done')
      for (const server of [0, 1]) for (const topic of TOPICS) tail(server, topic, Infinity)
      let moved = false
      for (const connection of connections.values()) {
        while (connection.up.length > 0) serve(connection)
        while (connection.down.length > 0 && connections.has(connection.number)) {
          receive(connection)
          moved = true
        }
      }
      if (moved) continue
      if (clock.pending > 0) clock.advance(GAP_TIMEOUT)
      else if (!old) return
      // A hole at the very end shows with the next message only.
      else if (flavour.holes !== 'none') gone(old, 'overlap limit')
    }
    fail(`it did not come to rest: ${clock.pending} timers, ${connections.size} legs`)
  }

  if (!flavour.application) for (const topic of TOPICS) subscribe(topic, null)
  for (const seed of steps) {
    random = seededRandom(seed)
    step()
    checkStep()
    if (failure) return failure
  }
  quiet = true
  for (const topic of TOPICS) if (!readers.has(topic)) subscribe(topic, null)
  calmDown()
  // One more message of each topic, and one that is not lost, shows what nobody could know before.
  for (const topic of TOPICS) {
    const all = logs.get(topic)!.visible[logs.get(topic)!.epoch]!
    do all.push(true)
    while (isLost(all.length))
  }
  calmDown()
  for (const [topic, reader] of readers) {
    const at = merge.position(topic)
    if (at?.epoch !== epochName(logs.get(topic)!.epoch) || at.offset !== head(topic)) fail(`${topic} stays at ${at?.epoch}:${at?.offset}, the head is ${head(topic)}`)
    else if (reader.at) passOver(topic, reader, head(topic) + 1)
  }
  if (!merge.caughtUp()) fail('it is never caught up')
  if (merge.held.messages > 0 || merge.held.bytes !== 0) fail(`${merge.held.messages} messages stay held`)
  return failure
}

function show(topics: TopicRequests | ReadonlyMap<string, TopicAnswer>): string {
  const one = (value: TopicAnswer | Position | null) => (value ? `${value.epoch}:${value.offset}${'after' in value ? ` after ${value.after}` : ''}` : 'now')
  return [...topics].map(([topic, value]) => `${topic} ${one(value)}`).join(', ')
}

/** Runs timers when it is moved, and only then. */
function createQueueClock(): Clock & { advance(ms: number): void; readonly pending: number } {
  let now = 0
  const timers = new Set<{ readonly due: number; readonly task: () => void }>()
  const set = (task: () => void, delay: number) => {
    const timer = { due: now + delay, task }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: set,
    frame: (task) => set(task, 16),
    advance(ms) {
      const end = now + ms
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        now = Math.max(now, next.due)
        timers.delete(next)
        next.task()
      }
      now = end
    },
    get pending() {
      return timers.size
    },
  }
}

/** The first schedule of these seeds in which a promise breaks, cut down to the steps that it needs. */
export function search(create: typeof createMerge, seeds: number, length: number, first = 1): { seed: number; failure: string; trace: string[] } | null {
  for (let seed = first; seed < first + seeds; seed++) {
    const flavour = flavourOf(seed)
    const random = seededRandom(seed * 7_919)
    let steps = Array.from({ length }, () => Math.floor(random() * 2 ** 32))
    if (attempt(create, flavour, steps) === null) continue
    for (let size = Math.ceil(steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < steps.length; ) {
        const without = [...steps.slice(0, at), ...steps.slice(at + size)]
        if (attempt(create, flavour, without) === null) at += size
        else steps = without
      }
    }
    const trace = [JSON.stringify(flavour)]
    return { seed, failure: attempt(create, flavour, steps, trace)!, trace }
  }
  return null
}

function attempt(create: typeof createMerge, flavour: Flavour, steps: readonly number[], trace?: string[]): string | null {
  try {
    return playWorld(create, flavour, steps, trace)
  } catch (error) {
    return `it threw ${String(error instanceof Error ? error.stack : error)}`
  }
}
