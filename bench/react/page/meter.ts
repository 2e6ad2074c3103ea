import type { Tick } from '../feed.js'

/** What became of the messages in one component, as its user would see it. */
export interface Measured {
  readonly renders: number
  /** Messages that the application acted on. */
  readonly seen: number
  readonly inOrder: boolean
  /** From the server's send to the commit that shows it, ms, for each message that was seen. */
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
    /** What it has seen is on the screen, but for the paint. */
    committed() {
      const now = Date.now()
      for (const at of waiting) latencies.push(now - at)
      waiting = []
    },
    /** From here on it counts anew. */
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
