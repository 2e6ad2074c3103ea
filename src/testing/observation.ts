import type { Gap } from '../topics/gap.js'
import type { LoggedMessage } from './simulated-log.js'

/** What an observer needs of a live socket, whatever its topics are. */
export interface Observable {
  subscribe(topic: never, handler: never): () => void
  on(type: 'gap', listener: (gap: Gap) => void): () => void
}

interface Subscribable {
  subscribe(topic: string, handler: (data: unknown, message: Omit<Delivered, 'data' | 'at'>) => void): () => void
}

/** A message as the observed socket delivered it. */
export interface Delivered {
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  readonly leg: number
  readonly replayed: boolean
  /** Milliseconds since the start of the simulated clock. */
  readonly at: number
}

/** What one handler received of one topic, and whether it was right. */
export interface Observation {
  readonly messages: readonly Delivered[]
  readonly gaps: readonly Gap[]
  /**
   * What is wrong: a message that came twice, out of order, altered or never published; one that is missing without a
   * gap that covers it; a gap that covers a message that was delivered. Checks from the first delivered message to the
   * last published one. With `complete: false`, for a test in which messages are still under way, it checks to the last
   * delivered one.
   */
  problems(options?: { complete?: boolean }): string[]
  stop(): void
}

/** @param published what was published in the topic and is visible to clients, in order. */
export function observe(
  socket: Observable,
  topic: string,
  published: () => readonly LoggedMessage[],
  now: () => number,
): Observation {
  const messages: Delivered[] = []
  const gaps: Gap[] = []
  const events: ({ is: 'message'; message: Delivered } | { is: 'gap'; gap: Gap })[] = []
  const stopListening = socket.on('gap', (gap) => {
    if (gap.topic !== topic) return
    gaps.push(gap)
    events.push({ is: 'gap', gap })
  })
  const stopSubscription = (socket as unknown as Subscribable).subscribe(
    topic,
    (data, { epoch, offset, leg, replayed }) => {
      const message = { epoch, offset, data, leg, replayed, at: now() }
      messages.push(message)
      events.push({ is: 'message', message })
    },
  )

  function problems({ complete = true } = {}): string[] {
    const wrong: string[] = []
    const expected = published()
    const place = new Map(expected.map((message, at) => [`${message.epoch} ${message.offset}`, at]))
    const name = (message: { epoch: string; offset: number }) => `${topic} ${message.offset} of ${message.epoch}`
    /** The place in `expected` of the message that must come next; null while any may come. */
    let next: number | null = null
    for (const event of events) {
      if (event.is === 'gap') {
        const { gap } = event
        const inside = expected.filter(
          (message) =>
            message.epoch === gap.epoch &&
            gap.from !== null &&
            gap.to !== null &&
            message.offset >= gap.from &&
            message.offset <= gap.to,
        )
        for (const message of inside)
          if (next !== null && place.get(`${message.epoch} ${message.offset}`)! < next)
            wrong.push(`${name(message)} is in a gap and was delivered`)
        const last = inside.at(-1)
        if (gap.from === null || gap.to === null) next = null
        else if (last) next = place.get(`${last.epoch} ${last.offset}`)! + 1
        continue
      }
      const { message } = event
      const at = place.get(`${message.epoch} ${message.offset}`)
      if (at === undefined) {
        wrong.push(`${name(message)} was delivered and never published`)
        continue
      }
      if (JSON.stringify(expected[at]!.data) !== JSON.stringify(message.data))
        wrong.push(`${name(message)} was altered`)
      if (next !== null && at < next) {
        wrong.push(`${name(message)} was delivered twice or out of order`)
        continue
      }
      for (const missing of expected.slice(next ?? at, at))
        wrong.push(`${name(missing)} is missing, and no gap says so`)
      next = at + 1
    }
    if (complete && next !== null)
      for (const missing of expected.slice(next)) wrong.push(`${name(missing)} is missing at the end`)
    return wrong
  }

  return {
    messages,
    gaps,
    problems,
    stop() {
      stopListening()
      stopSubscription()
    },
  }
}
