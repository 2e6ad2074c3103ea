import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { News, NewsChannel } from '../log/news.js'
import type { Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'

export interface NewsTailDeps {
  readonly connection: Pick<RedisConnection, 'here' | 'readNews' | 'runPlain'>
  readonly script: Script
  readonly keys: Keys
  readonly clock: Clock
  readonly node: string
  onError(error: unknown, doing: string): void
}

/** Milliseconds that an idle read blocks. */
const BLOCK = 2_000
const COUNT = 256
/** Milliseconds to wait after a failure while Redis is there. */
const RETRY = 500
/** The most news that wait to be told; beyond it signals are refused. */
const MOST_WAITING = 1_000
/** The most characters in one entry, unless a single one has more. */
const BATCH = 64 * 1024
const READING = 'reading what other servers tell'

interface Waiting {
  readonly text: string
  done(error?: unknown): void
}

/**
 * One of the two streams: orders, which have to arrive despite a break of the connection, or signals, which are
 * outdated by then.
 */
class Lane {
  waiting: Waiting[] = []
  telling = false
  from: string | null = null
  constructor(
    readonly key: string,
    /** How many entries the script keeps in it, and for how many milliseconds. */
    readonly keeps: readonly [entries: number, time: number],
  ) {}
}

/**
 * What the servers of a log tell each other, in two short streams beside the feed. Orders are read even by a server
 * that was away, for less than a minute, when it is back. Of signals a server reads only those that come from then on.
 */
export class NewsTail {
  private readonly deps: NewsTailDeps
  private readonly listeners = new Set<(news: News) => void>()
  private readonly orders: Lane
  private readonly signals: Lane
  private fresh = true
  private reading = false
  private closed = false
  private cancel: () => void = () => undefined

  constructor(deps: NewsTailDeps) {
    this.deps = deps
    this.orders = new Lane(deps.keys.orders, [10_000, 60_000])
    this.signals = new Lane(deps.keys.signals, [1_000, 5_000])
  }

  join(listener: (news: News) => void): NewsChannel {
    this.listeners.add(listener)
    void this.loop()
    return {
      tell: (news) => {
        // Listeners in this process hear it at once.
        for (const other of this.listeners) if (other !== listener) other(news)
        return this.tell(news)
      },
      leave: () => void this.listeners.delete(listener),
    }
  }

  /** Redis is back. */
  wake(): void {
    this.fresh = true
    void this.loop()
  }

  close(): void {
    this.closed = true
    this.cancel()
    this.listeners.clear()
  }

  private tell(news: News): Promise<void> {
    const isSignal = news.type === 'signal'
    const lane = isSignal ? this.signals : this.orders
    if (isSignal && (!this.deps.connection.here || lane.waiting.length >= MOST_WAITING))
      return Promise.reject(
        new LiveSocketError('refused', 'The signal cannot be sent to the other servers at present', { reason: 'busy' }),
      )
    return new Promise((resolve, reject) => {
      lane.waiting.push({ text: JSON.stringify(news), done: (error) => (error ? reject(error) : resolve()) })
      void this.flush(lane)
    })
  }

  /** News that arrive while Redis is being told go together. */
  private async flush(lane: Lane) {
    if (lane.telling) return
    lane.telling = true
    while (lane.waiting.length > 0) {
      let size = 0
      const end = lane.waiting.findIndex(({ text }) => (size += text.length) > BATCH)
      const batch = lane.waiting.splice(0, end < 0 ? lane.waiting.length : Math.max(1, end))
      const text = `[${batch.map((one) => one.text).join()}]`
      const told = await this.deps.connection
        .runPlain(this.deps.script, [lane.key, this.deps.keys.root], [this.deps.node, text, ...lane.keeps.map(String)])
        .then(
          () => undefined,
          (error: unknown) => ({ error }),
        )
      for (const one of batch) one.done(told?.error)
    }
    lane.telling = false
  }

  private async loop() {
    if (this.reading) return
    this.reading = true
    try {
      while (!this.closed && this.listeners.size > 0 && this.deps.connection.here) await this.readOn()
    } catch (error) {
      // If Redis is gone, `wake` is called when it is back.
      if (this.deps.connection.here && !this.closed) {
        this.deps.onError(error, READING)
        this.cancel = this.deps.clock.setTimeout(() => void this.loop(), RETRY)
      }
    } finally {
      this.reading = false
    }
  }

  private async readOn() {
    const { orders, signals, deps } = this
    if (this.fresh) await this.begin()
    const reply = (await deps.connection.readNews([
      ...['XREAD', 'COUNT', `${COUNT}`, 'BLOCK', `${BLOCK}`, 'STREAMS'],
      ...[orders.key, signals.key, orders.from!, signals.from!],
    ])) as [string, [string, string[]][]][] | null
    for (const [key, entries] of reply ?? []) for (const entry of entries) this.hear(key, entry)
  }

  private async begin() {
    for (const lane of [this.orders, this.signals]) {
      const reply = await this.deps.connection.readNews(['XREVRANGE', lane.key, '+', '-', 'COUNT', '1'])
      const newest = (reply as [string][])[0]?.[0] ?? '0-0'
      // Another Redis may not have got as far as the previous one.
      if (lane === this.signals || lane.from === null || isBefore(newest, lane.from)) lane.from = newest
    }
    this.fresh = false
  }

  private hear(key: string, [id, [node, text]]: [string, string[]]) {
    const lane = key === this.orders.key ? this.orders : this.signals
    lane.from = id
    if (node === this.deps.node) return
    for (const news of this.newsIn(text)) for (const listener of this.listeners) this.pass(news, listener)
  }

  private newsIn(text: string | undefined): readonly News[] {
    try {
      const all: unknown = JSON.parse(text!)
      if (Array.isArray(all)) return all as News[]
      throw new TypeError('It is no list of news')
    } catch (error) {
      this.deps.onError(error, READING)
      return []
    }
  }

  /** News that make no sense here, such as those of a newer server, do not stop the others. */
  private pass(news: News, listener: (news: News) => void) {
    try {
      listener(news)
    } catch (error) {
      this.deps.onError(error, READING)
    }
  }
}

function isBefore(a: string, b: string): boolean {
  const [[time, count], [otherTime, otherCount]] = [a, b].map((id) => id.split('-').map(Number)) as [number[], number[]]
  return time! < otherTime! || (time === otherTime && count! < otherCount!)
}
