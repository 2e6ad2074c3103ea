import type { Check } from './check.js'
import { answerIn, demand, type CheckContext, type Welcomed } from './check-context.js'
import { Untried, type FrameClient } from './frame-client.js'

/** Milliseconds. The deadline of a drain without a crowd: long enough to tell before from after. */
const DEADLINE = 1_500
/**
 * The number of legs needed to see a rate: as many as are asked in half a second, but at least 24, and at most 100,
 * which any server takes.
 */
const crowdFor = (rate: number) => Math.ceil(Math.min(100, Math.max(24, rate / 2)))

interface Drain {
  readonly topic: string
  readonly staying: Welcomed
  /** Connected before the drain, without a hello. */
  readonly pending: FrameClient
  /** Further legs that are asked to hand over, if the rate is known. */
  readonly crowd: readonly Welcomed[]
  readonly handover: Readonly<Record<string, unknown>>
  /** Whether most of the deadline has passed. */
  readonly nearlyOver: () => boolean
}

/** One drain, checked from all sides, because a server cannot be drained twice. */
export function drainChecks(): readonly Check[] {
  let drain: Promise<Drain> | null = null
  const begun = (context: CheckContext) => (drain ??= begin(context))
  return [
    {
      rule: 'server rule 2',
      title: 'asks a leg to hand over, with an id, a reason and a deadline',
      async run(context) {
        const { handover } = await begun(context)
        demand(typeof handover['id'] === 'string' && handover['id'] !== '', 'the handover should have an id')
        demand(typeof handover['reason'] === 'string', 'the handover should have a reason')
        demand(
          Number.isSafeInteger(handover['deadline']) && (handover['deadline'] as number) > 0,
          'the handover should have a deadline in milliseconds',
        )
      },
    },
    {
      rule: 'server rule 3',
      title: 'paces its requests to hand over',
      async run(context) {
        const { rate } = context
        if (context.drain && rate === undefined)
          throw new Untried('the rate at which the drain asks legs to hand over was not given (--rate)')
        const { crowd, staying } = await begun(context)
        const ideal = ((crowd.length - 1) / rate!) * 1_000
        const times = await Promise.all(
          crowd.map(async (leg) => leg.at(await leg.next('handover', undefined, 3 * ideal + context.patience))),
        )
        const took = Math.max(...times) - Math.min(...times)
        demand(
          took >= ideal / 2,
          `${crowd.length} legs were asked within ${Math.round(took)} ms: at ${rate} a second that takes ${Math.round(ideal)} ms`,
        )
        await context.roundTrip(staying)
      },
    },
    {
      rule: 'server rule 1',
      title: 'accepts no new hello while it drains: error draining, and 1012',
      async run(context) {
        const { pending, staying } = await begun(context)
        // A balancer in front of the server may accept no connections during a drain, or send them elsewhere.
        for (const client of [pending, await context.open().catch(() => null)]) {
          if (!client) continue
          client.send(context.hello({}))
          const { type, code, server } = await client.next(['error', 'welcome'])
          if (client !== pending && type === 'welcome' && server !== staying.welcome['server']) continue
          demand(
            type === 'error',
            `it welcomed a client that ${client === pending ? 'was connected when the drain began' : 'came during the drain'}`,
          )
          demand(code === 'draining', `the error's code is ${String(code)}`)
          const close = await client.closed()
          demand(close.code === 1012, `it closed with ${close.code}`)
        }
      },
    },
    {
      rule: 'server rule 2',
      title: 'serves an asked leg in full: messages, publishes, pings',
      async run(context) {
        const { staying, topic } = await begun(context)
        const [offset] = await context.publish(staying, topic, 1)
        await staying.next('message', (frame) => frame['offset'] === offset)
        await context.roundTrip(staying)
      },
    },
    {
      rule: 'server rule 2',
      title: 'closes with 1012 after the deadline, not before it, and has answered what it applied',
      async run(context) {
        const { staying, topic, handover, nearlyOver } = await begun(context)
        demand(!staying.isClosed || nearlyOver(), 'it closed the leg before the deadline')
        staying.send({ type: 'publish', id: 'last', topic, data: 'last' })
        const { code } = await staying.closed(Number(handover['deadline']) + context.patience + 1_000)
        demand(code === 1012, `it closed with ${code}`)
        demand(nearlyOver(), 'it closed the leg before the deadline')
        demand(
          staying.of('ack').some((frame) => frame['id'] === 'last'),
          'a publish that was sent long before the close had no answer',
        )
      },
    },
  ]
}

async function begin(context: CheckContext): Promise<Drain> {
  if (!context.drain) throw new Untried('no command was given that starts a drain (--drain)')
  const topic = context.topic()
  // The connections belong to all of these checks, so they outlive this one.
  context.done = () => undefined
  const staying = await context.join({ [topic]: {} })
  answerIn(staying.welcome, topic)
  const crowd =
    context.rate === undefined
      ? []
      : await Promise.all(Array.from({ length: crowdFor(context.rate) }, () => context.join()))
  const pending = await context.open()
  // The rate must have room within the deadline, and the other rules need some time after it.
  const deadline = context.rate === undefined ? DEADLINE : DEADLINE + 2_000 * (crowd.length / context.rate)
  // Longer than a command that fails is given to have started the drain.
  const asked = staying.next('handover', undefined, 10_000 + context.patience)
  const handover = await Promise.race([asked, context.drain(Math.round(deadline))])
  let passed = false
  void context.wait(0.7 * Number(handover['deadline'] ?? 0)).then(() => (passed = true))
  return { topic, staying, pending, crowd, handover, nearlyOver: () => passed }
}
