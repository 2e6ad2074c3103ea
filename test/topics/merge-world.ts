import type { Gap } from '../../src/topics/gap.js'
import type { createMerge } from '../../src/topics/merge.js'
import type { MessageInfo } from '../../src/topics/message.js'
import type { MessageFrame, Position, TopicAnswer, TopicRequests } from '../../src/protocol/frames.js'
import { seededRandom } from '../kit/seeded-random.js'
import { createModelServers, epochName, TOPICS, type ServedLeg } from './model-servers.js'
import { createStepClock } from '../kit/step-clock.js'

/*
 * A world for the merge: two servers over one log, legs with a queue in each direction, an application that subscribes
 * and unsubscribes. A seed decides what happens; everything that the merge reports is checked against the log.
 */

const GAP_TIMEOUT = 250

/** What may happen in a world besides messages and handovers. */
export interface Flavour {
  readonly history: readonly [boolean, boolean]
  readonly hidden: boolean
  readonly trim: boolean
  readonly epochs: boolean
  /** Messages that a server loses on their way to a leg: now and then, or on both servers each time. */
  readonly holes: 'none' | 'passing' | 'lasting'
  readonly kills: boolean
  /** Old legs are closed before they are done. */
  readonly hasty: boolean
  readonly omits: boolean
  readonly lag: boolean
  readonly application: boolean
  readonly reentry: boolean
  readonly small: boolean
}

interface Connection extends ServedLeg {
  readonly number: number
  readonly hello: Map<string, { generation: number; from: Position | null }>
  /** What the leg said about each topic, as a reader of the protocol records it. */
  readonly said: Map<
    string,
    {
      generation: number
      pending: string | null
      from: Position | null
      answer: TopicAnswer | null
      unasked: boolean
      newest: number
    }
  >
  readySince: number | null
}

interface Reader {
  generation: number
  at: Position | null
  /** It asked for a position in an epoch that is not the current one, so a gap may name the current epoch again. */
  foreign: boolean
  arrived: Set<number>
  /** The `prev` of messages, with their epoch. */
  prevs: Set<string>
}

export function playWorld(
  create: typeof createMerge,
  flavour: Flavour,
  steps: readonly number[],
  trace?: string[],
): string | null {
  const clock = createStepClock()
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
  /** How often a topic was requested from one position on one leg at one moment. */
  const asked = new Map<string, number>()
  let failure: string | null = null
  let random = seededRandom(0)

  const note = (line: string) => void trace?.push(`${' '.repeat(2 * depth)}${line}`)
  const yes = (share: number) => random() < share
  const pick = <T>(all: readonly T[]): T | undefined => all[below(all.length)]
  const below = (limit: number) => Math.floor(random() * limit)
  const fail = (text: string) => {
    failure ??= text
    note(`!! ${text}`)
  }
  const servers = createModelServers({ flavour, legs: () => connections.values(), yes, below, note })

  const merge = create(
    { clock, id: () => `s${++ids}`, gapTimeout: GAP_TIMEOUT, maxMessages: flavour.small ? 3 : 1_000, maxBytes: 1e6 },
    {
      deliver(data, info) {
        tell()
        note(`=> ${info.topic} ${info.epoch}:${info.offset}`)
        checkMessage(data, info)
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
        for (const [topic, from] of topics as ReadonlyMap<string, Position | null>) {
          const same = `${topic} ${leg} ${readers.get(topic)?.generation} ${from?.epoch}:${from?.offset} ${clock.now()}`
          asked.set(same, (asked.get(same) ?? 0) + 1)
          if (asked.get(same)! > 3) fail(`${topic} is asked for again and again`)
          connection.said.set(topic, {
            generation: readers.get(topic)?.generation ?? -1,
            pending: id,
            from,
            answer: null,
            unasked: false,
            newest: 0,
          })
        }
        connection.up.push({ type: 'subscribe', id, topics })
      },
      unsubscribe(leg, topics) {
        for (const topic of topics) connections.get(leg)?.said.delete(topic)
        connections.get(leg)?.up.push({ type: 'unsubscribe', topics })
      },
      serving: null,
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

  function checkMessage(data: unknown, { topic, epoch, offset }: MessageInfo) {
    const reader = readers.get(topic)
    if (!reader?.at) return fail(`a message of ${topic}, which has no position`)
    if (epoch !== reader.at.epoch) return fail(`a message of ${epoch} where ${reader.at.epoch} is`)
    if (offset <= reader.at.offset) return fail(`${topic} ${offset} after ${reader.at.offset}`)
    if (data !== `${topic}/${epoch}/${offset}` || !servers.sees(topic, epoch, offset))
      return fail(`${topic} ${offset} is an invention`)
    passOver(topic, reader, offset)
  }

  function passOver(topic: string, reader: Reader, to: number) {
    const { epoch, offset } = reader.at!
    for (let i = offset + 1; i < to; i++)
      if (servers.sees(topic, epoch, i)) fail(`${topic} ${epoch}:${i} was skipped in silence`)
    reader.at = { epoch, offset: to }
  }

  function checkGap({ topic, epoch, from, to, reason }: Gap) {
    const reader = readers.get(topic)
    if (!reader?.at) return fail(`a gap of ${topic}, which has no position`)
    const present = merge.position(topic)!
    const { at } = reader
    if (reason === 'epoch') {
      if (from !== null || to !== null || (epoch === at.epoch && !reader.foreign))
        fail(`a gap of the epoch ${epoch} in ${at.epoch}`)
      if (present.epoch !== epoch) fail(`a gap of ${epoch} at a position in ${present.epoch}`)
      const word = active?.said.get(topic)
      if (word?.answer?.epoch !== epoch) fail(`a gap of ${epoch}, which the active leg did not name`)
      else if (!word.unasked && !reader.foreign && word.from?.epoch !== at.epoch)
        fail(`a gap of ${epoch} by an answer to no position in ${at.epoch}`)
      reader.at = present
      reader.foreign = false
      reader.arrived.clear()
      return
    }
    if (epoch !== at.epoch || from === null || to === null || to < from || from <= at.offset)
      return fail('a gap that does not fit the position')
    passOver(topic, reader, from)
    reader.at = { epoch, offset: to }
    for (const offset of reader.arrived)
      if (!flavour.small && offset >= from && offset <= to) fail(`the gap holds ${offset}, which has arrived`)
    const said = active?.said.get(topic)
    const answered =
      said?.answer && said.from?.epoch === epoch && said.answer.epoch === epoch && said.answer.after >= to
    if (reason === 'trimmed' && !(answered && said.answer!.after === to))
      fail(`a trimmed gap to ${to} that no answer to a position named`)
    if (reason === 'lost' && !(reader.prevs.has(`${epoch}:${to}`) && (answered || flavour.holes !== 'none')))
      fail(`a lost gap to ${to} for no reason`)
    const before = from - 1
    const oldSaid = old?.said.get(topic)
    const oldCovers =
      oldSaid?.answer && oldSaid.answer.epoch === epoch && oldSaid.answer.after <= before && oldSaid.newest <= before
    if (oldCovers && clock.now() - active!.readySince! < GAP_TIMEOUT) fail('a gap while the old leg covers')
    if (flavour.history[0] && flavour.history[1] && !flavour.trim && flavour.holes === 'none')
      fail('a gap though every server has everything')
    if (
      !flavour.kills &&
      !flavour.epochs &&
      !flavour.trim &&
      flavour.holes === 'none' &&
      !flavour.hasty &&
      !flavour.omits &&
      !flavour.application
    )
      fail('a gap in a calm world')
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
    if (depth === 0 && merge.held.messages > (flavour.small ? 4 : 1_000))
      fail(`${merge.held.messages} messages are held`)
    if (!merge.caughtUp()) return
    if (!active) return fail('caught up without a leg')
    for (const topic of readers.keys()) {
      const said = active.said.get(topic)
      const at = merge.position(topic)
      if (!said?.answer || !at || at.epoch !== said.answer.epoch || at.offset < said.answer.offset)
        fail(`caught up, but not in ${topic}`)
    }
  }

  // The client's side of the legs.

  function dial() {
    const number = ++legs
    const topics = merge.hello(number)
    const hello = new Map(
      [...topics].map(([topic, from]) => [topic, { generation: readers.get(topic)!.generation, from }]),
    )
    const server = active && connections.size > 0 && yes(0.8) ? 1 - active.server : yes(0.5) ? 0 : 1
    const connection: Connection = {
      number,
      server,
      up: [],
      down: [],
      subscriptions: new Map(),
      hello: hello as Connection['hello'],
      said: new Map(),
      readySince: null,
    }
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
        if (readers.get(topic)?.generation === generation)
          said.set(topic, { generation, pending: null, from, answer, unasked: false, newest: 0 })
      }
      merge.ready(number, frame.topics, new Set())
    } else if (frame.type === 'subscribed') {
      note(`<- ${number} subscribed ${frame.id ?? 'unasked'} ${show(frame.topics)}`)
      for (const [topic, answer] of frame.topics) {
        const one = said.get(topic)
        if (!one || (frame.id === undefined ? one.pending !== null || !one.answer : one.pending !== frame.id)) continue
        said.set(topic, {
          ...one,
          pending: null,
          answer,
          unasked: frame.id === undefined,
          newest: 0,
          from: frame.id === undefined ? null : one.from,
        })
      }
      merge.subscribed(number, frame.id, frame.topics)
    } else if (frame.type === 'error') {
      note(`<- ${number} error ${frame.topic} ${frame.id}`)
      merge.refused(number, frame.topic!, frame.retryAfter, frame.id)
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
    reader.prevs.add(`${one.answer.epoch}:${prev}`)
    if (reader.at?.epoch !== one.answer.epoch || merge.position(topic)?.epoch !== one.answer.epoch) return
    if (hasData && offset > reader.at.offset) reader.arrived.add(offset)
  }

  // What may happen.

  function act() {
    const topic = pick(TOPICS)!
    const reader = readers.get(topic)
    const at = merge.position(topic)
    const back: Position | null = at && yes(0.9) ? { epoch: at.epoch, offset: below(at.offset + 1) } : null
    if (!reader) {
      const epoch = yes(0.8) ? servers.epochs(topic) - 1 : below(servers.epochs(topic))
      subscribe(topic, yes(0.6) ? null : { epoch: epochName(epoch), offset: below(servers.head(topic) + 1) })
    } else if (yes(0.5)) {
      note(`unsubscribe ${topic}`)
      readers.delete(topic)
      merge.unsubscribe(topic)
    } else if (back) subscribe(topic, back)
    else if (flavour.epochs && at) subscribe(topic, { epoch: epochName(below(servers.epochs(topic))), offset: 0 })
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
      // Of the messages that arrived, the merge still has only the held ones of the same epoch.
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
    if (kind < 0.2) servers.publish(pick(TOPICS)!)
    else if (kind < 0.55) {
      const connection = pick(waiting.filter(({ down }) => down.length > 0))
      for (let i = yes(0.3) ? 4 : 1; i > 0; i--)
        if (connection && connections.has(connection.number) && connection.down.length > 0) receive(connection)
    } else if (kind < 0.7) {
      const connection = pick(waiting.filter(({ up }) => up.length > 0))
      if (connection) servers.serve(connection)
    } else if (kind < 0.76) {
      if (connections.size < 2) dial()
    } else if (kind < 0.82) {
      if (old && (merge.caughtUp() || (flavour.hasty && yes(0.2)))) gone(old, 'closed')
    } else if (kind < 0.86) {
      if (flavour.lag) servers.tail(yes(0.5) ? 0 : 1, pick(TOPICS)!, 1 + below(3))
    } else if (kind < 0.9) {
      if (flavour.kills || flavour.holes !== 'none' || flavour.omits) clock.advance(yes(0.3) ? 1_000 : 50 + below(100))
    } else if (kind < 0.93) {
      if (flavour.kills && waiting.length > 0 && yes(0.5)) gone(pick(waiting)!, 'died')
    } else if (kind < 0.96) {
      if (flavour.trim) servers.trim(pick(TOPICS)!)
    } else if (kind < 0.97) {
      if (flavour.epochs) servers.renumber(pick(TOPICS)!)
    } else if (flavour.application) act()
  }

  /** Without further faults, delivers all frames and lets time pass until nothing happens any more. */
  function calmDown() {
    for (let round = 0; round < 400 && !failure; round++) {
      if (connections.size === 0) dial()
      if (old && merge.caughtUp()) gone(old, 'done')
      servers.tailAll()
      let moved = false
      for (const connection of connections.values()) {
        while (connection.up.length > 0) servers.serve(connection)
        while (connection.down.length > 0 && connections.has(connection.number)) {
          receive(connection)
          moved = true
        }
      }
      if (moved) continue
      if (clock.pending > 0) clock.advance(GAP_TIMEOUT)
      else if (!old) return
      // A hole at the very end shows only with the next message.
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
  servers.endFaults()
  for (const topic of TOPICS) if (!readers.has(topic)) subscribe(topic, null)
  calmDown()
  // One more message of each topic reveals losses that nothing could show before.
  for (const topic of TOPICS) servers.publishLast(topic)
  calmDown()
  for (const [topic, reader] of readers) {
    const at = merge.position(topic)
    if (at?.epoch !== servers.epoch(topic) || at.offset !== servers.head(topic))
      fail(`${topic} stays at ${at?.epoch}:${at?.offset}, the head is ${servers.head(topic)}`)
    else if (reader.at) passOver(topic, reader, servers.head(topic) + 1)
  }
  if (!merge.caughtUp()) fail('it is never caught up')
  if (merge.held.messages > 0 || merge.held.bytes !== 0) fail(`${merge.held.messages} messages stay held`)
  return failure
}

function show(topics: TopicRequests | ReadonlyMap<string, TopicAnswer>): string {
  const one = (value: TopicAnswer | Position | null) =>
    value ? `${value.epoch}:${value.offset}${'after' in value ? ` after ${value.after}` : ''}` : 'now'
  return [...topics].map(([topic, value]) => `${topic} ${one(value as TopicAnswer | Position | null)}`).join(', ')
}
