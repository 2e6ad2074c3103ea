import { createClient } from 'redis'
import { createKeys } from '../../../src/server/redis/keys.js'
import {
  CALL_PATIENCE,
  endedText,
  learn,
  NOTHING_KNOWN,
  type verdict,
  type Mark,
  type RollCallState,
} from '../../../src/server/redis/roll-call.js'
import { ROLL_SCRIPTS } from '../../../src/server/redis/roll-scripts.js'
import type { Script } from '../../../src/server/redis/script.js'
import { createTopicScripts } from '../../../src/server/redis/topic-scripts.js'
import type { RedisServer } from '../../kit/redis-server.js'

/**
 * A model of two nodes and a Redis, as far as offsets are concerned: everything that can happen between them is a
 * choice. The nodes decide by the product's own rule. Redis is a few lines here; `realRedis` runs the product's scripts
 * on a real one.
 */

export type Appended =
  | { readonly word: 'stale' }
  | { readonly word: 'new'; readonly seq: number; readonly offset: number; readonly last: string }
export type Rolled =
  | { readonly word: 'other' }
  | {
      readonly word: 'joined' | 'called'
      readonly epoch: string
      readonly run: string
      readonly seq: number
      readonly last: string
      readonly claim?: RollCallState['claim']
      readonly same?: boolean
      readonly missing?: number
    }

/** A question to Redis, or an intervention, and the answer. */
export type Ask =
  | {
      readonly ask: 'append'
      readonly run: string
      readonly epoch: string
      readonly term: string
      readonly stamp: string
      readonly answer: Appended
    }
  | {
      readonly ask: 'roll'
      readonly term: string
      readonly node: string
      readonly known: Mark
      readonly ended: readonly string[]
      readonly answer: Rolled
    }
  | {
      readonly ask: 'settle'
      readonly decision: 'hold' | 'renew'
      readonly epoch: string
      readonly call: string
      readonly missing: number
      readonly fresh: string
      readonly answer: string
    }
  | { readonly ask: Trouble }

/**
 * `restore`: the copy is put back, or a replica with its data takes over; another term begins. `promote`: the master
 * lost its role and has it again, with all its data. `trim`: the feed keeps only the newest append. `evict`: it keeps
 * nothing.
 */
export type Trouble = 'copy' | 'restore' | 'promote' | 'trim' | 'evict'

interface Entry {
  readonly epoch: string
  readonly seq: number
  readonly offset: number
  readonly stamp: string
}

/** The data that a copy contains. */
interface Data {
  epoch: string
  run: string
  seq: number
  offset: number
  last: string
  feed: Entry[]
  members: string[]
  call: string
  answered: string[]
}

export interface ModelState {
  data: Data
  copied: Data | null
  terms: number
}

const EMPTY: Data = { epoch: '', run: '', seq: 0, offset: 0, last: '', feed: [], members: [], call: '', answered: [] }
export const modelState = (): ModelState => ({ data: structuredClone(EMPTY), copied: null, terms: 1 })

function modelRedis(state: ModelState) {
  const term = () => `T${state.terms}`
  return {
    term,
    append(run: string, epoch: string, believed: string, stamp: string): Appended {
      const { data } = state
      if (data.epoch !== epoch || data.run !== run || term() !== believed) return { word: 'stale' }
      data.seq++
      data.offset++
      data.last = stamp
      data.feed.push({ epoch, seq: data.seq, offset: data.offset, stamp })
      return { word: 'new', seq: data.seq, offset: data.offset, last: stamp }
    },
    roll(believed: string, node: string, known: Mark, ended: readonly string[]): Rolled {
      const { data } = state
      if (term() !== believed) return { word: 'other' }
      const claim = ((): RollCallState['claim'] => {
        if (data.epoch === '' || ended.includes(data.epoch)) return 'lost'
        if (known.epoch !== data.epoch || known.seq === 0) return 'found'
        if (known.seq > data.seq) return 'lost'
        if (known.seq === data.seq) return known.last === data.last ? 'found' : 'lost'
        if (data.feed.length === 0 || known.seq < data.feed[0]!.seq) return 'past'
        return data.feed.some(({ seq, stamp }) => seq === known.seq && stamp === known.last) ? 'found' : 'lost'
      })()
      const present = () => void (data.members = [...new Set([...data.members, node])].sort())
      const same = data.run === believed
      const common = { epoch: data.epoch, seq: data.seq, last: data.last }
      if (same && claim !== 'lost') {
        present()
        return { word: 'joined', run: data.run, ...common }
      }
      if (data.epoch !== '' && !same && data.call !== believed)
        Object.assign(data, { call: believed, run: '', answered: [] })
      if (claim === 'found') data.answered = [...new Set([...data.answered, node])].sort()
      present()
      const missing = data.members.filter((member) => !data.answered.includes(member)).length
      return { word: 'called', run: believed, ...common, claim, same, missing }
    },
    settle(decision: 'hold' | 'renew', epoch: string, call: string, missing: number, fresh: string): string {
      const { data } = state
      if (data.epoch !== epoch || (data.epoch !== '' && data.run === '' && data.call !== call)) return 'past'
      if (decision === 'hold') {
        if (missing === 0 && data.members.some((member) => !data.answered.includes(member))) return 'past'
        data.run = call
        return 'ok'
      }
      Object.assign(data, { epoch: fresh, run: call, call, offset: 0, last: '', members: [] })
      return 'ok'
    },
    copy: () => void (state.copied = structuredClone(state.data)),
    restore() {
      state.data = structuredClone(state.copied ?? EMPTY)
      state.terms++
    },
    promote: () => void state.terms++,
    trim: () => void (state.data.feed = state.data.feed.slice(-1)),
    evict: () => void (state.data.feed = []),
  }
}

/** A connection: what the node believed when it was made, and the answers on it that were not read yet. */
interface Seat {
  readonly term: string
  readonly run: string
  readonly epoch: string
  answers: Answer[]
}

type Answer = { readonly epoch: string; readonly seq: number; readonly offset: number; readonly last: string }

interface NodeState {
  readonly name: string
  known: Mark
  ended: readonly string[]
  seat: Seat | null
  /** What the node has decided, and not told Redis yet. */
  decided: {
    readonly decision: 'hold' | 'renew'
    readonly epoch: string
    readonly call: string
    readonly missing: number
  } | null
}

export interface World {
  readonly redis: ModelState
  readonly nodes: NodeState[]
  /** What anybody was told about an offset, by its epoch. */
  readonly told: Record<string, string>
  stamps: number
  epochs: number
  /** Data was lost, or nobody can say that none was: an epoch may end. */
  excused: boolean
  /** How an offset got two meanings, or an epoch ended for no reason; null if neither happened. */
  wrong: string | null
  readonly spent: Record<string, number>
}

const newNode = (name: string): NodeState => ({
  name,
  known: NOTHING_KNOWN.known,
  ended: [],
  seat: null,
  decided: null,
})

export function newWorld(): World {
  return {
    redis: modelState(),
    nodes: ['a', 'b'].map(newNode),
    told: {},
    stamps: 0,
    epochs: 0,
    excused: false,
    wrong: null,
    spent: {},
  }
}

export type Choice = readonly [string, number?]
export type Rule = typeof verdict
/** How often each choice may be made; a choice that is not named is unlimited. */
export type Budget = Readonly<Record<string, number>>

const OF_NODES = ['append', 'read', 'hear', 'connect', 'patience', 'settle', 'cut', 'die']
const CHOICES: readonly Choice[] = [
  ...[0, 1].flatMap((node) => OF_NODES.map((kind) => [kind, node] as const)),
  ['copy'],
  ['restore'],
  ['promote'],
  ['trim'],
  ['evict'],
]

export function choicesOf(world: World, budget: Budget): readonly Choice[] {
  return CHOICES.filter(([kind, at]) => {
    if ((world.spent[kind] ?? 0) >= (budget[kind] ?? Infinity)) return false
    const { seat, decided } = world.nodes[at ?? 0]!
    switch (kind) {
      case 'append':
        return seat !== null && seat.answers.length < 2
      case 'read':
        return seat !== null && seat.answers.length > 0
      case 'hear':
        return seat !== null
      case 'connect':
      case 'patience':
        return seat === null && decided === null
      case 'settle':
        return decided !== null
      case 'cut':
        return seat !== null || decided !== null
      default:
        return true
    }
  })
}

/** Makes a choice. Returns what Redis was asked for it. */
export function make(world: World, [kind, at]: Choice, rule: Rule, budget: Budget): Ask[] {
  const redis = modelRedis(world.redis)
  // Unlimited choices are not counted: then more paths lead to the same state.
  if (budget[kind] !== undefined) world.spent[kind] = (world.spent[kind] ?? 0) + 1
  const node = world.nodes[at ?? 0]!
  switch (kind) {
    case 'append':
      return append(world, node, redis)
    case 'read':
      return hears(world, node, node.seat!.answers.shift()!)
    case 'hear':
      // The connection for reads does not check the term.
      for (const one of world.redis.data.feed)
        if (one.epoch === node.seat!.epoch && one.seq === node.known.seq + 1)
          hears(world, node, { ...one, last: one.stamp })
      return []
    case 'connect':
    case 'patience':
      return connect(world, node, kind === 'patience' ? CALL_PATIENCE : 0, redis, rule)
    case 'settle':
      return settle(world, node, redis)
    case 'cut':
      Object.assign(node, { seat: null, decided: null })
      return []
    case 'die':
      world.excused = true
      world.nodes[at!] = newNode(`${node.name}'`)
      return []
  }
  const { data, copied } = world.redis
  if (
    kind === 'trim' ||
    kind === 'evict' ||
    (kind === 'restore' && (copied?.epoch !== data.epoch || copied.seq !== data.seq || copied.last !== data.last))
  )
    world.excused = true
  redis[kind as Trouble]()
  return [{ ask: kind as Trouble }]
}

function append(world: World, node: NodeState, redis: ReturnType<typeof modelRedis>): Ask[] {
  const seat = node.seat!
  const stamp = `s${++world.stamps}`
  const answer = redis.append(seat.run, seat.epoch, seat.term, stamp)
  // The question is sent again over another connection; answers on this one that were not read are never read.
  if (answer.word === 'stale') node.seat = null
  else seat.answers.push({ epoch: seat.epoch, seq: answer.seq, offset: answer.offset, last: answer.last })
  return [{ ask: 'append', run: seat.run, epoch: seat.epoch, term: seat.term, stamp, answer }]
}

function hears(world: World, node: NodeState, answer: Answer): Ask[] {
  tell(world, answer)
  learns(node, answer)
  return []
}

function tell(world: World, { epoch, offset, last }: Answer) {
  const number = `${epoch}:${offset}`
  const before = (world.told[number] ??= last)
  if (before !== last) world.wrong = `${number} is ${before} and ${last}`
}

function learns(node: NodeState, { epoch, seq, last }: Mark) {
  const memory = learn({ known: node.known, ended: new Set(node.ended) }, { epoch, seq, last })
  node.known = memory.known
  node.ended = [...memory.ended]
}

function connect(
  world: World,
  node: NodeState,
  waited: number,
  redis: ReturnType<typeof modelRedis>,
  rule: Rule,
): Ask[] {
  const term = redis.term()
  const { known, ended } = node
  const answer = redis.roll(term, node.name, known, ended)
  const asks: Ask[] = [{ ask: 'roll', term, node: node.name, known, ended, answer }]
  if (answer.word === 'other') return asks
  if (answer.word === 'joined') {
    // Its clients continue to read from their positions.
    for (const one of world.redis.data.feed)
      if (one.epoch === answer.epoch && (known.epoch !== answer.epoch || one.seq > known.seq))
        tell(world, { ...one, last: one.stamp })
    learns(node, answer)
    node.seat = { term, run: answer.run, epoch: answer.epoch, answers: [] }
    return asks
  }
  const decision = rule({
    claim: answer.claim!,
    sameTerm: answer.same!,
    missing: answer.missing!,
    waited,
    durable: undefined,
  })
  if (decision === 'wait') return asks
  if (waited > 0 && answer.missing! > 0) world.excused = true
  node.decided = { decision, epoch: answer.epoch, call: answer.run, missing: answer.missing! }
  return asks
}

function settle(world: World, node: NodeState, redis: ReturnType<typeof modelRedis>): Ask[] {
  const { decision, epoch, call, missing } = node.decided!
  node.decided = null
  const fresh = `e${world.epochs + 1}`
  const answer = redis.settle(decision, epoch, call, missing, fresh)
  if (answer === 'ok' && decision === 'renew') {
    world.epochs++
    if (epoch !== '' && !world.excused) world.wrong = `the epoch ${epoch} has ended for nothing`
  }
  return [{ ask: 'settle', decision, epoch, call, missing, fresh, answer }]
}

/**
 * The product's scripts on a real Redis, asked the same questions. Another term is another replication id of the same
 * process; a copy is a dump of every key. Returns what Redis did, with the model's names in place of its own.
 */
export async function realRedis(
  server: RedisServer,
  prefix: string,
): Promise<{ replay(ask: Ask): Promise<unknown>; close(): void }> {
  const client = createClient({ url: server.url, RESP: 2 })
  const raw = createClient({ url: server.url, RESP: 2, commandOptions: { typeMapping: { 36: Buffer } } })
  await Promise.all([client.connect(), raw.connect()])
  const keys = createKeys(prefix)
  const { append } = createTopicScripts({
    history: { maxMessages: 1_000, maxBytes: 1e9, maxAge: 1e10 },
    dedupe: { window: 60_000, maxIds: 100 },
    maxTopics: 100,
    feed: { messages: 1_000, bytes: 1e9 },
  })
  const run = ({ lua }: Script, names: readonly string[], args: readonly string[]) =>
    client.sendCommand(['EVAL', lua, `${names.length}`, ...names, ...args]) as Promise<(string | null)[]>
  const term = async () => /master_replid:(\w+)/.exec(String(await client.sendCommand(['INFO', 'replication'])))![1]!
  const all = async () =>
    ((await client.sendCommand(['KEYS', '*'])) as string[]).filter((key) => key.startsWith(keys.tag))
  /** The real names for what the model calls otherwise: terms, and places in the feed. */
  const names = new Map<string, string>()
  const its = (name: string) => names.get(name) ?? name
  let copied: (readonly [string, Buffer])[] = []

  const troubles: Record<Trouble, () => Promise<unknown>> = {
    async copy() {
      copied = await Promise.all(
        (await all()).map(async (key) => [key, (await raw.sendCommand(['DUMP', key])) as unknown as Buffer] as const),
      )
    },
    async restore() {
      for (const key of await all()) await client.sendCommand(['DEL', key])
      for (const [key, dump] of copied) await raw.sendCommand(['RESTORE', key, '0', dump] as never)
      await client.sendCommand(['DEBUG', 'CHANGE-REPL-ID'])
    },
    promote: () => client.sendCommand(['DEBUG', 'CHANGE-REPL-ID']),
    async trim() {
      const entries = (await client.sendCommand(['XRANGE', keys.feed, '-', '+'])) as [string, string[]][]
      // The entry that announces an epoch is in the feed as well, and is not an append.
      const newest = entries.filter(([, [name]]) => name !== 'e').at(-1)
      if (newest) await client.sendCommand(['XTRIM', keys.feed, 'MINID', newest[0]])
    },
    evict: () => client.sendCommand(['DEL', keys.feed]),
  }

  return {
    async replay(ask) {
      if (ask.ask === 'append') {
        // The term is checked at most once in 25 ms; here more happens in less time.
        const tip = (await client.sendCommand(['HGET', keys.root, 'tip'])) as string | null
        if (tip) await client.sendCommand(['HSET', keys.root, 'tip', tip.replace(/^(\d+:\d+):\d+/, '$1:0')])
        const [word, , seq, , offset, last] = await run(
          append,
          [
            keys.root,
            keys.feed,
            keys.topics(ask.epoch),
            keys.record(ask.epoch, ''),
            keys.session(''),
            keys.topic(ask.epoch, 't'),
          ],
          [ask.epoch, its(ask.run), '', '=t', '1', '', ':0:', '', ask.stamp],
        )
        if (word === 'stale') return { word }
        names.set(ask.stamp, String(last))
        return { word, seq: Number(seq), offset: Number(offset), last: ask.stamp }
      }
      if (ask.ask === 'roll') {
        if (!names.has(ask.term)) names.set(ask.term, await term())
        const { known, answer } = ask
        const [word, epoch, holds, seq, last, claim, same, missing] = await run(
          ROLL_SCRIPTS.roll,
          [keys.root, keys.feed, keys.members, keys.call, keys.nodes],
          [
            its(ask.term),
            ask.node,
            known.epoch,
            `${known.seq}`,
            its(known.last),
            '',
            '',
            'unused',
            endedText({ ended: new Set(ask.ended) }),
          ],
        )
        if (word === 'other' || answer.word === 'other') return { word }
        const common = {
          word,
          run: holds === its(answer.run) ? answer.run : holds,
          epoch,
          seq: Number(seq),
          last: last === its(answer.last) ? answer.last : last,
        }
        return word === 'joined' ? common : { ...common, claim, same: same === '1', missing: Number(missing) }
      }
      if (ask.ask === 'settle')
        return (
          await run(
            ROLL_SCRIPTS.settle,
            [keys.root, keys.feed, keys.members, keys.call],
            [ask.decision, ask.epoch, its(ask.call), `${ask.missing}`, ask.fresh, '', keys.tag],
          )
        )[0]
      await troubles[ask.ask]()
      return undefined
    },
    close() {
      client.destroy()
      raw.destroy()
    },
  }
}
