export interface WorkQueueHandlers {
  /** More than `max` are waiting, or more than `maxBytes`: stop reading. */
  full(): void
  /** Half of it is done. */
  room(): void
  failed(error: unknown): void
}

/**
 * The frames of a leg that are not answered yet. Publishes into one topic begin one at a time, and do not wait for
 * publishes into other topics. Subscription changes run one at a time. A publish waits for earlier changes of its
 * topic, so that a client sees what it publishes after it has subscribed.
 */
export class WorkQueue {
  private readonly max: number
  private readonly maxBytes: number
  private readonly handlers: WorkQueueHandlers
  private changes = Promise.resolve()
  /** For each topic whose subscription is being changed: the end of the last change. */
  private readonly changing = new Map<string, Promise<void>>()
  /** For each topic with publishes that have not begun, or not let the next one begin: the end of the last one. */
  private readonly lanes = new Map<string, Promise<void>>()
  private count = 0
  private held = 0
  private stopped = false
  private full = false
  private idlers: (() => void)[] = []

  constructor(max: number, maxBytes: number, handlers: WorkQueueHandlers) {
    this.max = max
    this.maxBytes = maxBytes
    this.handlers = handlers
  }

  get size(): number {
    return this.count
  }

  /** @param bytes what the task holds in memory until it is done. */
  change(bytes: number, topics: Iterable<string>, task: () => Promise<void>): void {
    this.take(bytes)
    const { changing } = this
    const names = [...topics]
    const done: Promise<void> = (this.changes = this.changes
      .then(() => this.run(bytes, task))
      .then(() => {
        for (const topic of names) if (changing.get(topic) === done) changing.delete(topic)
      }))
    for (const topic of names) changing.set(topic, done)
  }

  /** Runs a task in the order of its topic. The topic's next task begins when this one calls `next`, or has ended. */
  publish(topic: string, bytes: number, task: (next: () => void) => Promise<void>): void {
    this.take(bytes)
    const { lanes } = this
    const changed = this.changing.get(topic)
    const lane = (lanes.get(topic) ?? Promise.resolve())
      .then(() => changed)
      .then(() => new Promise<void>((next) => void this.run(bytes, () => task(next)).then(next)))
      .then(() => void (lanes.get(topic) === lane && lanes.delete(topic)))
    lanes.set(topic, lane)
  }

  /** Runs a task at once, concurrently with all others. */
  beside(bytes: number, task: () => Promise<void>): void {
    this.take(bytes)
    void this.run(bytes, task)
  }

  /** Begins no further tasks. */
  stop(): void {
    this.stopped = true
  }

  /** Resolves when no task is under way, and none waits unless the queue was stopped. */
  idle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => void this.idlers.push(resolve))
  }

  private take(bytes: number) {
    this.count++
    this.held += bytes
    if (this.full || (this.count < this.max && this.held < this.maxBytes)) return
    this.full = true
    this.handlers.full()
  }

  private async run(bytes: number, task: () => Promise<void>) {
    try {
      if (!this.stopped) await task()
    } catch (error) {
      this.handlers.failed(error)
    }
    this.count--
    this.held -= bytes
    if (this.full && this.count <= this.max / 2 && this.held <= this.maxBytes / 2) {
      this.full = false
      this.handlers.room()
    }
    if (this.count > 0) return
    const waiting = this.idlers
    this.idlers = []
    for (const resolve of waiting) resolve()
  }
}
