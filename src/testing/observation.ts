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

/** A message as an observed socket was given it. */
export interface Delivered {
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  readonly leg: number
  readonly replayed: boolean
  /** On the simulated clock, in milliseconds since its start. */
  readonly at: number
}

/** What one handler was given of one topic, and whether it was right. */
export interface Observation {
  readonly messages: readonly Delivered[]
  readonly gaps: readonly Gap[]
  /**
   * What is wrong: a message twice, out of order, altered or never published; one missing without a gap that says so; a
   * gap that says so of one that was delivered. Judged from the first message that was delivered to the last one that
   * was published; a test that is not at rest asks with `complete: false`, and then to the last one that was delivered.
   */
  problems(options?: { complete?: boolean }): string[]
  stop(): void
}

/** @param published what was published in the topic and may be seen, in order. */
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
    /** The place in `expected` of what has to come next; null while anything may. */
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
