/**
 * What a leg asked for and has not been answered. Publishes into one topic begin one at a time, and do not wait for
 * those into others; changes of topics go one at a time; and a publish waits for the changes that came before it, so
 * that a client sees what it publishes after it has subscribed.
 */
export interface WorkQueue {
  /** `bytes`: what it holds on to until it is done. */
  change(bytes: number, task: () => Promise<void>): void
  /** The topic's next one begins when the task calls `next`, or has ended. */
  publish(topic: string, bytes: number, task: (next: () => void) => Promise<void>): void
  /** At once, beside all else. */
  beside(bytes: number, task: () => Promise<void>): void
  size(): number
  /** Begins nothing more. */
  stop(): void
  /** Resolves when nothing is under way, and nothing waits unless it was stopped. */
  idle(): Promise<void>
}

export interface WorkQueueHandlers {
  /** More than `max` are waiting, or more than `maxBytes`: time to read no further. */
  full(): void
  /** Half of it is done. */
  room(): void
  failed(error: unknown): void
}

export function createWorkQueue(max: number, maxBytes: number, handlers: WorkQueueHandlers): WorkQueue {
  let changes = Promise.resolve()
  /** Of each topic with publishes that have not begun or let the next begin: the end of the last one. */
  const lanes = new Map<string, Promise<void>>()
  let size = 0
  let held = 0
  let stopped = false
  let full = false
  let idlers: (() => void)[] = []

  async function run(bytes: number, task: () => Promise<void>) {
    try {
      if (!stopped) await task()
    } catch (error) {
      handlers.failed(error)
    }
    size--
    held -= bytes
    if (full && size <= max / 2 && held <= maxBytes / 2) {
      full = false
      handlers.room()
    }
    if (size > 0) return
    const waiting = idlers
    idlers = []
    for (const resolve of waiting) resolve()
  }

  function count(bytes: number) {
    size++
    held += bytes
    if (!full && (size >= max || held >= maxBytes)) {
      full = true
      handlers.full()
    }
  }

  return {
    change(bytes, task) {
      count(bytes)
      changes = changes.then(() => run(bytes, task))
    },
    publish(topic, bytes, task) {
      count(bytes)
      const before = changes
      const lane = (lanes.get(topic) ?? Promise.resolve())
        .then(() => before)
        .then(() => new Promise<void>((next) => void run(bytes, () => task(next)).then(next)))
        .then(() => void (lanes.get(topic) === lane && lanes.delete(topic)))
      lanes.set(topic, lane)
    },
    beside(bytes, task) {
      count(bytes)
      void run(bytes, task)
    },
    size: () => size,
    stop() {
      stopped = true
    },
    idle: () => (size === 0 ? Promise.resolve() : new Promise((resolve) => void idlers.push(resolve))),
  }
}
