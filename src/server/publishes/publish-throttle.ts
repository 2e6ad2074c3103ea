import type { Clock } from '../../base/clock.js'

/**
 * Delays publishes of this server if readers would otherwise miss something. Normally a publish goes at once. It waits
 * a little, in the order of its topic, if a reader cannot follow, or if publishing has kept the process from anything
 * else for a while, sockets included.
 */
export interface PublishThrottle {
  /**
   * Calls `task` now, or when its turn comes.
   *
   * @param bounded whether the publisher has only a limited number under way. Default: no.
   */
  run<Result>(topic: string, bytes: number, task: () => Promise<Result>, bounded?: boolean): Promise<Result>
  /** Publishes that have had to wait. */
  slowed(): number
}

/**
 * The lowest rate, in messages and bytes a millisecond, to which a topic is slowed down while other readers follow.
 * Readers that are slower than this are not waited for.
 */
const SLOWEST = { messages: 1, bytes: 1_024 }
/**
 * If no reader follows, publishing slows down to the rate of the fastest one, at most this many times below `SLOWEST`:
 * more would be written for nobody. Then the slower readers miss something first, and not all alike.
 */
const ALL = 10
/**
 * Milliseconds of publishing after which the rest of the process gets its turn. Shorter turns cost more: each ends with
 * a write to every leg.
 */
const LONGEST_TURN = 50
/** Messages and bytes of a topic that go together once there is room. */
const TOGETHER = { messages: 64, bytes: 128 * 1024 }
/**
 * The most publishes of a topic that wait at a time, beside those whose number is limited anyway. A publisher that does
 * not wait for answers cannot be slowed down, so the oldest one goes.
 */
const MOST = 1_024
/**
 * Milliseconds that any publish waits at most, however many there are: as long as an application may take to decide on
 * one.
 */
const LONGEST_WAIT = 8_000
/** Milliseconds lost to a late timer that are made up for. */
const LATE = 50

/** Milliseconds that a message of that size waits for readers. */
const patience = (bytes: number) => Math.max(1 / SLOWEST.messages, bytes / SLOWEST.bytes)

interface Waiting {
  readonly bytes: number
  readonly since: number
  readonly bounded: boolean
  go(): void
}

interface Queue {
  readonly waiting: Waiting[]
  /** How many of them are not limited in number. */
  unbounded: number
  dueAt: number
}

/**
 * @param clock of the process itself.
 * @param behind which readers of that topic here are about to need entries that are no longer in memory.
 */
export function createPublishThrottle(
  clock: Clock,
  behind: (topic: string) => 'nobody' | 'some' | 'all',
): PublishThrottle {
  const queues = new Map<string, Queue>()
  let turnBegan: number | null = null
  let ticking = false
  let slowed = 0

  /**
   * Whether promises alone have kept the process busy for too long: while they continue, no tick comes, and no socket
   * is written or read.
   */
  function turnIsOver(): boolean {
    const now = clock.monotonic()
    if (turnBegan === null) {
      turnBegan = now
      process.nextTick(() => void (turnBegan = null))
    }
    return now - turnBegan >= LONGEST_TURN
  }

  function tick() {
    if (ticking) return
    ticking = true
    clock.setTimeout(() => {
      ticking = false
      for (const topic of [...queues.keys()]) release(topic)
      if (queues.size > 0) tick()
    }, 1)
  }

  /** Runs the one that has waited longest. */
  function goes(queue: Queue) {
    const next = queue.waiting.shift()!
    if (!next.bounded) queue.unbounded--
    next.go()
  }

  function release(topic: string) {
    const queue = queues.get(topic)!
    const now = clock.monotonic()
    let { messages, bytes } = TOGETHER
    while (queue.waiting.length > 0) {
      const next = queue.waiting[0]!
      const who = behind(topic)
      const dueAt = queue.dueAt + (who === 'all' ? (ALL - 1) * patience(next.bytes) : 0)
      const due = dueAt <= now || now - next.since >= LONGEST_WAIT
      if (!due && (messages <= 0 || bytes <= 0 || who !== 'nobody')) return
      messages--
      bytes -= next.bytes
      if (due) queue.dueAt = Math.max(Math.min(dueAt, now), now - LATE) + patience(next.bytes)
      goes(queue)
    }
    // A publisher that waits for each answer has none waiting in between, so the queue stays until it is due.
    if (queue.dueAt <= now) queues.delete(topic)
  }

  return {
    run(topic, bytes, task, bounded = false) {
      let queue = queues.get(topic)
      if (!queue?.waiting.length && !turnIsOver() && behind(topic) === 'nobody') return task()
      slowed++
      const since = clock.monotonic()
      queue ??= { waiting: [], unbounded: 0, dueAt: since + patience(bytes) }
      queues.set(topic, queue)
      const own = queue
      return new Promise((resolve, reject) => {
        own.waiting.push({ bytes, since, bounded, go: () => void task().then(resolve, reject) })
        if (!bounded) own.unbounded++
        while (own.unbounded > MOST) goes(own)
        tick()
      })
    },
    slowed: () => slowed,
  }
}
