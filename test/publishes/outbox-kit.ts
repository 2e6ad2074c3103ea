import { Present } from '../../src/base/clock.js'
import { LiveSocketError } from '../../src/base/errors.js'
import type { ClientFrame } from '../../src/protocol/frames.js'
import { createOutbox, type OutboxDeps, type OutboxHandlers, type PublishFrame } from '../../src/publishes/outbox.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

/**
 * An outbox on a simulated clock, with the defaults of a live socket. Its legs accept everything and answer nothing.
 */
export function setUp(options: Partial<OutboxDeps> = {}) {
  const clock = createSimulatedClock()
  const sent: { leg: number; frame: PublishFrame }[] = []
  const overdue: [leg: number, at: number][] = []
  const outcomes: Record<string, unknown> = {}
  let sendable = true
  let ids = 0
  let changes = 0
  const handlers = {
    closed: null as string | null,
    serving: null as OutboxHandlers['serving'],
    send(leg: number, frame: ClientFrame): boolean {
      // The content of the frame as plain data.
      const { type, id, topic, n, data, age } = frame as PublishFrame
      if (sendable) sent.push({ leg, frame: { type, id, topic, n, data, ...(age !== undefined && { age }) } })
      return sendable
    },
    changed: () => void changes++,
    overdue: (leg: number) => void overdue.push([leg, clock.monotonic()]),
  }
  const owing = createOutbox(
    {
      clock: Object.assign(clock, { present: new Present(clock) }),
      id: () => `p${++ids}`,
      maxMessages: 1_000,
      maxBytes: 2 ** 20,
      ackTimeout: 10_000,
      settleTimeout: 1_000,
      acknowledges: true,
      ...options,
    },
    handlers,
  )
  const outbox = {
    publish: owing.publish.bind(owing),
    ready: owing.ready.bind(owing),
    gone: owing.gone.bind(owing),
    acked: (id: string, offset?: number, data?: unknown) => owing.acked({ id, offset, data }),
    nacked: (id: string, code: string, message: string, retryAfter?: number, leg?: number) =>
      owing.nacked({ id, code, message, retryAfter }, leg),
    settled: (leg: number) => !owing.owes(leg),
    get size() {
      return { ...owing.size }
    },
    close(why = 'it was closed') {
      handlers.closed = why
      owing.close(why)
    },
  }
  return {
    clock,
    outbox,
    handlers,
    overdue,
    outcomes,
    /** The frames sent since the last call, as `leg:data` or `leg:data+age`. */
    sent: () =>
      sent
        .splice(0)
        .map(({ leg, frame }) => `${leg}:${String(frame.data)}${frame.age === undefined ? '' : `+${frame.age}`}`),
    frames: () => sent.splice(0).map(({ frame }) => frame),
    sendable: (value: boolean) => void (sendable = value),
    changes: () => changes,
    publish(name: unknown, options?: Parameters<typeof outbox.publish>[2], topic = 'room') {
      outbox.publish(topic, name, options).then(
        (published) => void (outcomes[String(name)] = published),
        (error: unknown) => void (outcomes[String(name)] = error instanceof LiveSocketError ? error.code : error),
      )
    },
    async outcome(name: string) {
      await clock.flush()
      return outcomes[name]
    },
  }
}
