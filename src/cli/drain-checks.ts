import type { Check } from './conformance.js'
import { answerIn, demand, type Stand, type Welcomed } from './stand.js'
import { Untried } from './wire.js'

const DEADLINE = 1_500

interface Drain {
  readonly topic: string
  readonly staying: Welcomed
  readonly handover: Readonly<Record<string, unknown>>
  /** Most of the deadline has passed. */
  readonly nearlyOver: () => boolean
}

/** One drain, looked at from all sides: a server cannot be drained twice. */
export function drainChecks(): readonly Check[] {
  let drain: Promise<Drain> | null = null
  const begun = (stand: Stand) => (drain ??= begin(stand))
  return [
    {
      rule: 'server rule 2',
      title: 'asks a leg to move, with an id, a reason and a deadline',
      async run(stand) {
        const { handover } = await begun(stand)
        demand(typeof handover['id'] === 'string' && handover['id'] !== '', 'the handover should have an id')
        demand(typeof handover['reason'] === 'string', 'the handover should have a reason')
        demand(Number.isSafeInteger(handover['deadline']) && (handover['deadline'] as number) > 0, 'the handover should have a deadline in milliseconds')
      },
    },
    {
      rule: 'server rule 1',
      title: 'takes no new hello while it drains: error draining, and 1012',
      async run(stand) {
        await begun(stand)
        const wire = await stand.open().catch(() => {
          throw new Untried('what is before the server takes no connection while it drains')
        })
        wire.send(stand.hello({}))
        const { code } = await wire.next('error')
        demand(code === 'draining', `the error's code is ${String(code)}`)
        const close = await wire.closed()
        demand(close.code === 1012, `it closed with ${close.code}`)
      },
    },
    {
      rule: 'server rule 2',
      title: 'serves an asked leg in full: messages, publishes, pings',
      async run(stand) {
        const { staying, topic } = await begun(stand)
        const [offset] = await stand.publish(staying, topic, 1)
        await staying.next('message', (frame) => frame['offset'] === offset)
        await stand.settle(staying)
      },
    },
    {
      rule: 'server rule 2',
      title: 'closes with 1012 after the deadline, not before it, and has answered what it applied',
      async run(stand) {
        const { staying, topic, handover, nearlyOver } = await begun(stand)
        demand(!staying.isClosed || nearlyOver(), 'it closed the leg before the deadline')
        staying.send({ type: 'publish', id: 'last', topic, data: 'last' })
        const { code } = await staying.closed(Number(handover['deadline']) + stand.patience + 1_000)
        demand(code === 1012, `it closed with ${code}`)
        demand(nearlyOver(), 'it closed the leg before the deadline')
        demand(staying.of('ack').some((frame) => frame['id'] === 'last'), 'a publish that was sent long before the close had no answer')
      },
    },
  ]
}

async function begin(stand: Stand): Promise<Drain> {
  if (!stand.drain) throw new Untried('nothing was given that makes the server drain (--drain)')
  const topic = stand.topic()
  // It belongs to all of them, so it outlives this check.
  const staying = await stand.join({ [topic]: {} })
  answerIn(staying.welcome, topic)
  stand.done = () => undefined
  void stand.drain(DEADLINE)
  const handover = await staying.next('handover', undefined, 10_000)
  let passed = false
  void stand.wait(0.7 * Number(handover['deadline'] ?? 0)).then(() => (passed = true))
  return { topic, staying, handover, nearlyOver: () => passed }
}
