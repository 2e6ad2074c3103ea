/**
 * What a leg asked for and has not been answered. Publishes go one at a time; so do changes of topics; and a publish waits for
 * the changes that came before it, so that a client sees what it publishes after it has subscribed.
 */
export interface WorkQueue {
  change(task: () => Promise<void>): void
  publish(task: () => Promise<void>): void
  size(): number
  /** Begins nothing more. */
  stop(): void
  /** Resolves when nothing is under way, and nothing waits unless it was stopped. */
  idle(): Promise<void>
}

export interface WorkQueueHandlers {
  /** More than `max` are waiting: time to read no further. */
  full(): void
  /** Half of them are done. */
  room(): void
  failed(error: unknown): void
}

export function createWorkQueue(max: number, handlers: WorkQueueHandlers): WorkQueue {
  let changes = Promise.resolve()
  let publishes = Promise.resolve()
  let size = 0
  let stopped = false
  let full = false

  async function run(task: () => Promise<void>) {
    try {
      if (!stopped) await task()
    } catch (error) {
      handlers.failed(error)
    }
    size--
    if (full && size <= max / 2) {
      full = false
      handlers.room()
    }
  }

  function count() {
    size++
    if (!full && size >= max) {
      full = true
      handlers.full()
    }
  }

  return {
    change(task) {
      count()
      changes = changes.then(() => run(task))
    },
    publish(task) {
      count()
      const before = changes
      publishes = publishes.then(() => before).then(() => run(task))
    },
    size: () => size,
    stop() {
      stopped = true
    },
    async idle() {
      while (size > 0) await Promise.all([changes, publishes])
    },
  }
}
