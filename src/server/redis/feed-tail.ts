import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { quoted } from '../invalid.js'
import type { LogEntry, Tail, TailEvent, TopicHead } from '../log/topic-log.js'
import { decodeName } from './keys.js'
import type { Mark } from './roll-call.js'

/** All that a node hears, over one blocking read: what is appended to the topics that somebody here listens to. */
export interface FeedTail {
  start(topic: string, listener: (event: TailEvent) => void): Promise<Tail>
  has(topic: string): boolean
  topics(): readonly string[]
  /**
   * This node has appended it. Whoever has all before it is told now, together with the answer to the publisher, and
   * not again when the feed brings it.
   */
  appended(topic: string, epoch: string, entry: LogEntry): void
  /** Redis is there, or another epoch holds: what was missed is caught up on. */
  wake(): void
  close(): void
}

/** A head, and where the feed stood at that moment. */
export interface FeedHead extends TopicHead {
  readonly seq: number
  readonly at: string
}

export interface FeedTailDeps {
  readonly clock: Clock
  readonly feed: string
  /** Blocks for a second at most. */
  read(command: readonly string[]): Promise<unknown>
  head(topic: string): Promise<FeedHead>
  /** Entries above `after`, from the oldest on. */
  entries(topic: string, after: number): Promise<{ readonly epoch: string; readonly entries: readonly LogEntry[] }>
  /**
   * Whether the epoch is still what this node takes it for; asks Redis, which also tells how many appends it has
   * counted.
   */
  check(): Promise<number>
  /** The feed has come to that append. */
  knows(mark: Mark): void
  here(): boolean
  onError(error: unknown, doing: string): void
}

/** Short, so that a Redis which was emptied in silence is noticed soon. */
const BLOCK = 1_000
const COUNT = 500
/**
 * Between two reads while much comes in: each takes as many entries as there are, for all topics and all legs at once.
 */
const INTERVAL = 10
/** After a catching up that failed although Redis is there. */
const RETRY = 500
/** Entries of a topic that wait while it catches up; beyond, they are caught up on as well. */
const MOST_EARLY = 1_000

interface Listener {
  readonly topic: string
  readonly tell: (event: TailEvent) => void
  epoch: string
  /** The newest offset told of, or where it began. */
  told: number
  /**
   * What comes while it catches up waits here. Each catching up has a list of its own, by which it knows whether it is
   * still wanted.
   */
  early: Early | null
  gone: boolean
}

/** `before`: it had come before the topic's head was asked for. */
type Early = { readonly epoch: string; readonly entry: LogEntry; before: boolean }[]

export function createFeedTail(deps: FeedTailDeps): FeedTail {
  const { clock, feed, onError } = deps
  const topics = new Map<string, Set<Listener>>()
  /** Up to where the feed was read: the id of the entry and its number, which counts without a hole. */
  let place: { id: string; seq: number } | null = null
  let reading = false
  let closed = false
  let wakes = 0
  const timers = new Set<() => void>()

  function all(): Listener[] {
    return [...topics.values()].flatMap((listeners) => [...listeners])
  }

  async function loop() {
    if (reading || closed) return
    reading = true
    /** Appends that there were before the read that is under way. */
    let counted: number | null = null
    try {
      while (!closed && topics.size > 0 && place && deps.here()) {
        const from = place
        const readAt = clock.monotonic()
        const reply = (await deps.read([
          'XREAD',
          'COUNT',
          `${COUNT}`,
          'BLOCK',
          `${BLOCK}`,
          'STREAMS',
          feed,
          from.id,
        ])) as [string, unknown[]][] | null
        if (closed) return
        // It is read from elsewhere by now.
        if (place !== from) counted = null
        else if (reply) {
          counted = null
          for (const entry of reply[0]![1]) hear(entry)
          await pause(INTERVAL - (clock.monotonic() - readAt))
        } else if (counted !== null && counted !== from.seq) {
          // There were appends of which the feed says nothing: somebody deleted it, or it has gone back.
          counted = null
          place = null
          behind()
        } else counted = await deps.check()
      }
      // Nobody listens: where to begin is asked anew by the next one.
      if (topics.size === 0) place = null
    } catch (error) {
      // Where Redis is gone, `wake` comes when it is back.
      if (deps.here() && !closed) {
        onError(error, 'reading what comes into the topics')
        later(() => void loop())
      }
    } finally {
      reading = false
    }
  }

  function pause(ms: number): Promise<void> | undefined {
    return ms > 0 ? new Promise((resolve) => later(resolve, ms)) : undefined
  }

  /** Nobody knows what was missed. */
  function behind() {
    wakes++
    for (const listener of all()) {
      // Its start is under way, and asks by itself.
      if (listener.epoch === '') continue
      listener.early = null
      catchUp(listener)
    }
  }

  function hear(entry: unknown) {
    const parsed = parse(entry)
    if (!parsed) {
      const [id] = entry as unknown[]
      if (place && typeof id === 'string') place = { ...place, id }
      return onError(
        new LiveSocketError('invalid', 'An entry of the feed is not what this library wrote; it was skipped'),
        'reading what comes into the topics',
      )
    }
    const before = place
    place = { id: parsed.id, seq: parsed.kind === 'entry' ? parsed.seq : (place?.seq ?? 0) }
    if (parsed.kind === 'epoch') return void deps.check().catch(() => undefined)
    deps.knows({ epoch: rootOf(parsed.epoch), seq: parsed.seq, last: `${parsed.id}:${parsed.stamp}` })
    // Trimmed while we were away, or by a Redis that lost it: the topics themselves have more.
    if (before && parsed.seq !== before.seq + 1) behind()
    for (const listener of topics.get(parsed.topic) ?? []) take(listener, parsed.epoch, parsed.entry)
  }

  function take(listener: Listener, epoch: string, entry: LogEntry) {
    if (listener.gone) return
    if (listener.early) {
      // What comes last tells that there was more.
      if (listener.early.length >= MOST_EARLY) listener.early.length = 0
      return void listener.early.push({ epoch, entry, before: false })
    }
    if (epoch === listener.epoch) {
      if (entry.offset <= listener.told) return
      if (entry.offset === listener.told + 1) {
        listener.told = entry.offset
        return listener.tell({ type: 'entry', epoch, entry })
      }
    }
    catchUp(listener, { epoch, entry, before: false })
  }

  /** Asks where the topic stands, tells of what was missed, and then of what came meanwhile. */
  function catchUp(listener: Listener, ...heard: Early) {
    if (listener.early) return
    listener.early = heard
    attempt(listener, listener.early)
  }

  function attempt(listener: Listener, early: Early) {
    settle(listener, early).catch((error: unknown) => {
      // `wake` tries again.
      if (isOver(listener, early) || !deps.here() || closed) return
      onError(error, `catching up on the topic ${quoted(listener.topic)}`)
      later(() => {
        if (!isOver(listener, early)) attempt(listener, early)
      })
    })
  }

  function isOver(listener: Listener, early: Early): boolean {
    return listener.gone || listener.early !== early
  }

  async function settle(listener: Listener, early: Early): Promise<void> {
    for (const one of early) one.before = true
    const head = await deps.head(listener.topic)
    if (isOver(listener, early)) return
    startReading(head)
    if (head.epoch !== listener.epoch) {
      listener.epoch = head.epoch
      listener.told = head.offset
      listener.tell({ type: 'epoch', head: { epoch: head.epoch, offset: head.offset, oldest: head.oldest } })
    }
    while (listener.told < head.offset) {
      const page = await deps.entries(listener.topic, listener.told)
      if (isOver(listener, early)) return
      if (page.epoch !== listener.epoch) return settle(listener, early)
      if (page.entries.length === 0) break
      for (const entry of page.entries) {
        if (entry.offset <= listener.told) continue
        listener.told = entry.offset
        listener.tell({ type: 'entry', epoch: listener.epoch, entry })
      }
    }
    // What is no longer there cannot be told of.
    listener.told = Math.max(listener.told, head.offset)
    release(listener)
  }

  function release(listener: Listener) {
    const early = listener.early ?? []
    listener.early = null
    for (const { epoch, entry, before } of early) {
      // The head is younger than it and knows nothing of its epoch: that is an older one.
      if (!before || epoch === listener.epoch) take(listener, epoch, entry)
    }
  }

  /** Whatever is appended after that head was asked for is in the feed behind it. */
  function startReading(head: FeedHead) {
    place ??= { id: head.at, seq: head.seq }
    void loop()
  }

  function later(task: () => void, delay = RETRY) {
    const cancel = clock.setTimeout(() => {
      timers.delete(cancel)
      if (!closed) task()
    }, delay)
    timers.add(cancel)
  }

  return {
    async start(topic, tell) {
      const listener: Listener = { topic, tell, epoch: '', told: 0, early: [], gone: false }
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners.add(listener))
      const stop = () => {
        listener.gone = true
        listeners.delete(listener)
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic)
      }
      try {
        const woken = wakes
        const head = await deps.head(topic)
        listener.epoch = head.epoch
        listener.told = head.offset
        if (woken === wakes) startReading(head)
        release(listener)
        // The answer may be from before: what it missed is asked for now.
        if (woken !== wakes) catchUp(listener)
        return { head: { epoch: head.epoch, offset: head.offset, oldest: head.oldest }, stop }
      } catch (error) {
        stop()
        throw error
      }
    },
    has: (topic) => topics.has(topic),
    topics: () => [...topics.keys()],
    appended(topic, epoch, entry) {
      for (const listener of topics.get(topic) ?? []) {
        // What others appended before it is in the feed, and on its way: then so is this.
        if (!listener.early && epoch === listener.epoch && entry.offset === listener.told + 1)
          take(listener, epoch, entry)
      }
    },
    wake() {
      if (closed) return
      place = null
      behind()
    },
    close() {
      closed = true
      for (const cancel of timers) cancel()
      for (const listener of all()) listener.gone = true
      topics.clear()
    },
  }
}

type Parsed =
  | {
      readonly kind: 'entry'
      readonly id: string
      readonly seq: number
      readonly stamp: string
      readonly epoch: string
      readonly topic: string
      readonly entry: LogEntry
    }
  | { readonly kind: 'epoch'; readonly id: string }

/** A topic's epoch is that of all topics, a dot, and a number. */
function rootOf(epoch: string): string {
  return epoch.slice(0, epoch.lastIndexOf('.'))
}

/**
 * An entry has one field. Its name is the count of appends, the offset, the epoch, the stamp and the topic, and its
 * value the data; or `e` and an epoch that begins.
 */
function parse(raw: unknown): Parsed | null {
  if (!Array.isArray(raw) || typeof raw[0] !== 'string' || !Array.isArray(raw[1]) || raw[1].length !== 2) return null
  const [id, [name, value]] = raw as [string, [string, string]]
  if (name === 'e') return { kind: 'epoch', id }
  const [, n, o, epoch, stamp, t] = /^(\d+):(\d+):([^:]+):([^:]+):(.*)$/s.exec(name) ?? []
  const topic = t === undefined ? null : decodeName(t)
  const [seq, offset] = [Number(n), Number(o)]
  if (topic === null || !Number.isSafeInteger(seq) || !Number.isSafeInteger(offset)) return null
  return { kind: 'entry', id, seq, stamp: stamp!, epoch: epoch!, topic, entry: { offset, data: value } }
}
