import type { Check } from './check.js'
import { answerIn, chain, demand } from './check-context.js'

/** Reads up to the message that was published last, and then waits for a pong, so that any surplus message has come. */
async function reach(
  context: Parameters<Check['run']>[0],
  client: Awaited<ReturnType<typeof context.join>>,
  topic: string,
  offset: number,
) {
  await client.next('message', (frame) => frame['topic'] === topic && (frame['offset'] as number) >= offset)
  await context.roundTrip(client)
}

/** Offsets, replays, and how a subscription begins and ends. */
export const topicChecks: readonly Check[] = [
  {
    rule: 'welcome',
    title: 'starts `{}` at the head, and delivers what comes from then on',
    async run(context) {
      const topic = context.topic()
      const writer = await context.join()
      const [, head] = await context.publish(writer, topic, 2)
      const reader = await context.join({ [topic]: {} })
      const { offset, after } = answerIn(reader.welcome, topic)
      demand(offset === head && after === offset, `head and after should be ${head}, but are ${offset} and ${after}`)
      const [next] = await context.publish(writer, topic, 1)
      await reach(context, reader, topic, next!)
      chain(reader, topic, after, next!)
    },
  },
  {
    rule: 'offsets',
    title: 'numbers a topic from 1, rising, and its messages have the published data',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      const { after } = answerIn(client.welcome, topic)
      const offsets = await context.publish(client, topic, 5)
      demand(
        offsets.every((offset, at) => offset > (offsets[at - 1] ?? after)),
        `the acks name ${offsets.join(', ')}`,
      )
      await reach(context, client, topic, offsets.at(-1)!)
      chain(client, topic, after, offsets.at(-1)!)
      const data = client
        .of('message')
        .filter((frame) => 'data' in frame)
        .map((frame) => frame['data'])
      demand(JSON.stringify(data) === '[1,2,3,4,5]', `1 to 5 were published, but ${JSON.stringify(data)} came`)
    },
  },
  {
    rule: 'server rule 6',
    title: 'replays from a position, once and in order, and nothing of a topic precedes the frame that names it',
    async run(context) {
      const topic = context.topic()
      const writer = await context.join({ [topic]: {} })
      const { epoch } = answerIn(writer.welcome, topic)
      const offsets = await context.publish(writer, topic, 10)
      const reader = await context.join({ [topic]: { epoch, offset: offsets[3] } })
      const first = reader.frames.findIndex((frame) => frame.type === 'message' && frame['topic'] === topic)
      demand(
        first < 0 || first > reader.frames.indexOf(reader.welcome),
        'a message came before the welcome that names its topic',
      )
      const answer = answerIn(reader.welcome, topic)
      demand(answer.epoch === epoch, 'the welcome names another epoch than the leg before')
      demand(
        answer.after === offsets[3] && answer.offset === offsets[9],
        `after and offset should be ${offsets[3]} and ${offsets[9]}, but are ${answer.after} and ${answer.offset}`,
      )
      await reach(context, reader, topic, offsets[9]!)
      chain(reader, topic, answer.after, offsets[9]!)
    },
  },
  {
    rule: 'server rule 6',
    title: 'loses nothing between replay and live messages while others publish',
    async run(context) {
      const topic = context.topic()
      const writer = await context.join({ [topic]: {} })
      const { epoch, offset } = answerIn(writer.welcome, topic)
      const joins = []
      const published = context.publish(writer, topic, 150)
      for (let round = 0; round < 5; round++) joins.push(await context.join({ [topic]: { epoch, offset } }))
      const last = (await published).at(-1)!
      for (const reader of joins) {
        await reach(context, reader, topic, last)
        chain(reader, topic, answerIn(reader.welcome, topic).after, last)
      }
    },
  },
  {
    rule: 'welcome',
    title: 'replays from the oldest message under an epoch that it does not know',
    async run(context) {
      const topic = context.topic()
      const writer = await context.join()
      const offsets = await context.publish(writer, topic, 3)
      const reader = await context.join({ [topic]: { epoch: 'of-another-log', offset: 2 } })
      const { epoch, offset, after } = answerIn(reader.welcome, topic)
      demand(epoch !== 'of-another-log', 'it accepted an epoch that it cannot know')
      demand(
        offset === offsets[2] && after < offsets[0]!,
        `the replay should begin before ${offsets[0]}, but begins after ${after}`,
      )
      await reach(context, reader, topic, offset)
      chain(reader, topic, after, offset)
    },
  },
  {
    rule: 'subscribe',
    title: 'answers a later subscribe under its id, and serves as after a hello',
    async run(context) {
      const topic = context.topic()
      const client = await context.join()
      const offsets = await context.publish(client, topic, 4)
      const { epoch } = answerIn((await context.join({ [topic]: {} })).welcome, topic)
      client.send({ type: 'subscribe', id: 's1', topics: { [topic]: { epoch, offset: offsets[1] } } })
      const subscribed = await client.next('subscribed', (frame) => frame['id'] === 's1')
      const early = client.frames.slice(0, client.frames.indexOf(subscribed)).some((frame) => frame.type === 'message')
      demand(!early, 'a message came before the subscribed that names its topic')
      const [last] = await context.publish(client, topic, 1)
      await reach(context, client, topic, last!)
      chain(client, topic, answerIn(subscribed, topic).after, last!)
    },
  },
  {
    rule: 'subscribe',
    title: 'replaces a subscription that is asked for again',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      const { epoch, after } = answerIn(client.welcome, topic)
      const offsets = await context.publish(client, topic, 3)
      await reach(context, client, topic, offsets[2]!)
      const before = client.of('message').length
      client.send({ type: 'subscribe', id: 'again', topics: { [topic]: { epoch, offset: after } } })
      const subscribed = await client.next('subscribed', (frame) => frame['id'] === 'again')
      const [last] = await context.publish(client, topic, 1)
      await reach(context, client, topic, last!)
      chain(client, topic, answerIn(subscribed, topic).after, last!, before)
    },
  },
  {
    rule: 'unsubscribe',
    title: 'sends nothing of a topic that is unsubscribed',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      client.send({ type: 'unsubscribe', topics: [topic] })
      await context.publish(client, topic, 2)
      await context.roundTrip(client)
      await context.wait(100)
      demand(client.of('message').length === 0, 'a message came after the unsubscribe')
    },
  },
]
