import type { Check } from './check.js'
import { answerIn, demand, type CheckContext, type Welcomed } from './check-context.js'
import { Untried, type ReceivedFrame } from './frame-client.js'

/** What a server hides from this client. */
export const visibilityChecks: readonly Check[] = [
  {
    rule: 'server rule 9',
    title: 'hides the same on all legs of a session, and advances their position past it',
    async run(context) {
      const { topic, legs, visible, last } = await published(context)
      for (const leg of legs) {
        await leg.next('message', (frame) => frame['topic'] === topic && (frame['offset'] as number) >= last)
        await context.roundTrip(leg)
        inView(context, leg, topic, answerIn(leg.welcome, topic).after, last, visible)
      }
    },
  },
  {
    rule: 'server rule 9',
    title: 'advances the position past hidden messages at the end of a replay',
    async run(context) {
      const { topic, legs, visible, last } = await published(context)
      const [{ session, welcome }] = legs
      const { epoch, after } = answerIn(welcome, topic)
      const back = await context.join({ [topic]: { epoch, offset: after } }, { session, leg: 3 })
      await back.next('message', (frame) => frame['topic'] === topic && (frame['offset'] as number) >= last)
      await context.roundTrip(back)
      inView(context, back, topic, after, last, visible)
    },
  },
]

/**
 * Two legs of one session, and messages published while they read, of which some are hidden, including the last ones.
 */
async function published(
  context: CheckContext,
): Promise<{ topic: string; legs: [Welcomed, Welcomed]; visible: ReadonlyMap<number, unknown>; last: number }> {
  if (context.hidden === undefined)
    throw new Untried('no data was given that the server hides from this client (--hidden)')
  const topic = context.topic()
  const old = await context.join({ [topic]: {} })
  const fresh = await context.join({ [topic]: {} }, { session: old.session, leg: 2 })
  const writer = await context.join()
  const visible = new Map<number, unknown>()
  let last = 0
  for (const data of [1, context.hidden, 2, 3, context.hidden, context.hidden]) {
    last = await context.say(writer, topic, data)
    if (data !== context.hidden) visible.set(last, data)
  }
  return { topic, legs: [old, fresh], visible, last }
}

/**
 * Checks that the visible messages have come, once and in order, and messages without data that advance the position
 * past the hidden ones.
 */
function inView(
  context: CheckContext,
  client: Welcomed,
  topic: string,
  after: number,
  last: number,
  visible: ReadonlyMap<number, unknown>,
) {
  const messages = client.of('message').filter((frame) => frame['topic'] === topic)
  const shown = messages.filter((frame) => 'data' in frame)
  demand(
    !shown.some(({ data }) => same(data, context.hidden)),
    `leg ${client.leg} gets a message that should be hidden`,
  )
  const expected = [...visible].map(([offset, data]) => ({ offset, data }))
  const came = shown.map(({ offset, data }) => ({ offset, data }))
  demand(
    same(came, expected),
    `leg ${client.leg} should get ${JSON.stringify(expected)}, but gets ${JSON.stringify(came)}`,
  )
  let [seen, at] = [after, after]
  for (const message of messages) {
    const { offset, before } = places(message)
    demand(offset > at, `offset ${offset} came after ${at}: a position only advances`)
    // Both count as the one before: the last visible message, and a position that was sent without data.
    demand(
      before >= seen && before <= at,
      `offset ${offset} names ${before} as the one before it; the client has seen ${seen}, and its position is ${at}`,
    )
    at = offset
    if ('data' in message) seen = offset
  }
  demand(at === last, `leg ${client.leg} gets positions up to ${at}, but the last message has ${last}`)
}

function places({ offset, prev }: ReceivedFrame): { offset: number; before: number } {
  demand(Number.isSafeInteger(offset), 'a message should have an offset')
  return { offset: offset as number, before: (prev as number | undefined) ?? (offset as number) - 1 }
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
