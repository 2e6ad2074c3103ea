import type { Tick } from '../feed.js'

/** What happened to the messages in one component, as its user sees it. */
export interface Measured {
  readonly renders: number
  /** Messages that the application acted on. */
  readonly seen: number
  readonly inOrder: boolean
  /** Milliseconds from the server's send to the commit that shows the message, for each message that was seen. */
  readonly latencies: readonly number[]
}

export function createMeter() {
  let renders = 0
  let seen = 0
  let last = 0
  let inOrder = true
  let waiting: number[] = []
  let latencies: number[] = []
  return {
    rendered: () => void renders++,
    /** The application acts on a message. */
    saw({ n, at }: Tick) {
      seen++
      if (n <= last) inOrder = false
      last = n
      waiting.push(at)
    },
    /** Everything that was seen is committed; only the paint is missing. */
    committed() {
      const now = Date.now()
      for (const at of waiting) latencies.push(now - at)
      waiting = []
    },
    /** Starts counting again. */
    forget() {
      renders = seen = last = 0
      inOrder = true
      waiting = []
      latencies = []
    },
    measured: (): Measured => ({ renders, seen, inOrder, latencies }),
  }
}

export type Meter = ReturnType<typeof createMeter>
