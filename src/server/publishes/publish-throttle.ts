import type { Clock } from '../../base/clock.js'

/**
 * Publishes of this server go at once, unless those who read would miss something by it. Then they wait a little, each
 * topic's in their order: where somebody who reads cannot follow, and where publishing has not let the process do
 * anything else for a while, sockets included.
 */
export interface PublishThrottle {
  /**
   * Calls `task` now, or in its turn.
   *
   * @param bounded whoever publishes has only so many under way. Default: no.
   */
  run<Result>(topic: string, bytes: number, task: () => Promise<Result>, bounded?: boolean): Promise<Result>
  /** Publishes that have had to wait. */
  slowed(): number
}

/**
 * Whoever reads faster than this is waited for; nobody slows a topic to less that others follow. Messages and bytes a
 * millisecond.
 */
const SLOWEST = { messages: 1, bytes: 1_024 }
/**
 * Where nobody follows, more would be written for nobody: it is the fastest who is waited for, at the most so many times
 * as long. Then the slower ones are the first to miss something, and not all alike.
 */
const ALL = 10
/**
 * Publishing for so long, ms, leaves the rest of the process its turn. Shorter ones cost more: each ends with a write
 * to every leg.
 */
const LONGEST_TURN = 50
/** Messages and bytes of a topic that go together once there is room. */
const TOGETHER = { messages: 64, bytes: 128 * 1024 }
/**
 * Publishes of a topic that wait at a time, beside those whose number is bounded: who does not wait for the answers
 * cannot be slowed, and the oldest goes.
 */
const MOST = 1_024
/** Nobody waits for longer, ms, however many there are: as long as an application may take to look at a publish. */
const LONGEST_WAIT = 8_000
/** Time that was lost, because a timer ran late, is made up for, ms. */
const LATE = 50

/** How long a message of that size waits for readers, ms. */
const patience = (bytes: number) => Math.max(1 / SLOWEST.messages, bytes / SLOWEST.bytes)

interface Waiting {
  readonly bytes: number
  readonly since: number
  readonly bounded: boolean
  go(): void
}

interface Queue {
  readonly waiting: Waiting[]
  /** How many of them are not bounded in number. */
  unbounded: number
  dueAt: number
}

/**
 * @param clock of the process itself.
 * @param behind who of those who read that topic here is about to fall out of what is at hand.
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
   * Whether promises alone have kept the process busy for too long: where they never end, no tick comes, and no socket
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

  /** The one that has waited longest. */
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
    // Whoever publishes one after the other has none waiting between two.
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
