import type { Check } from './check.js'
import { answerIn, demand } from './check-context.js'

/** Publishes are applied once, in order, and answered. */
export const publishChecks: readonly Check[] = [
  {
    rule: 'server rule 4',
    title: 'applies publishes one at a time, in the order of arrival, and answers each',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      const offsets = await context.publish(client, topic, 50)
      const answered = client.of('ack').map((frame) => frame['offset'] as number)
      demand(answered.length === 50, `50 publishes had ${answered.length} answers`)
      demand(
        answered.every((offset, at) => at === 0 || offset > answered[at - 1]!),
        'the answers are not in the order of arrival',
      )
      await client.next('message', (frame) => frame['offset'] === offsets[49])
      const data = client.of('message').map((frame) => frame['data'])
      demand(
        data.every((number, at) => number === at + 1),
        'the log is not in the order of arrival',
      )
    },
  },
  {
    rule: 'server rule 4',
    title: 'does not apply a publish that comes after a later one of its session into the topic',
    async run(context) {
      const [topic, other] = [context.topic(), context.topic()]
      const client = await context.join({ [topic]: {} })
      client.send({ type: 'publish', id: 'later', topic, n: 5, data: 'later' })
      await client.next('ack', (frame) => frame['id'] === 'later')
      client.send({ type: 'publish', id: 'earlier', topic, n: 4, data: 'earlier' })
      const answer = await client.next(['ack', 'nack'], (frame) => frame['id'] === 'earlier')
      demand(
        answer.type === 'nack' && answer['code'] === 'out-of-order',
        `4 after 5 was answered ${answer.type} ${String(answer['code'] ?? '')}`.trim(),
      )
      client.send({ type: 'publish', id: 'elsewhere', topic: other, n: 4, data: 1 })
      await client.next('ack', (frame) => frame['id'] === 'elsewhere')
      const another = await context.join()
      another.send({ type: 'publish', id: 'of another', topic, n: 4, data: 'of another' })
      await another.next('ack', (frame) => frame['id'] === 'of another')
      await client.next('message', (frame) => frame['data'] === 'of another')
      demand(
        client.of('message').every((frame) => frame['data'] !== 'earlier'),
        'it is in the log anyway',
      )
    },
  },
  {
    rule: 'server rule 4',
    title: 'does not apply a first copy that comes after its own repeat',
    async run(context) {
      const topic = context.topic()
      const old = await context.join({ [topic]: {} })
      const fresh = await context.join({ [topic]: {} }, { session: old.session, leg: 2 })
      const publish = { type: 'publish', id: 'late', topic, n: 1, data: 'once' }
      fresh.send({ ...publish, age: 20 })
      const { offset } = await fresh.next('ack', (frame) => frame['id'] === 'late')
      old.send(publish)
      const late = await old.next(['ack', 'nack'], (frame) => frame['id'] === 'late')
      demand(
        late.type !== 'ack' || late['offset'] === offset,
        `the repeat was applied at ${String(offset)}, and the first copy at ${String(late['offset'])}`,
      )
      await context.roundTrip(old)
      demand(answerIn((await context.join({ [topic]: {} })).welcome, topic).offset === offset, 'it is in the log twice')
    },
  },
  {
    rule: 'server rule 5',
    title: 'applies an id once on a leg, and gives a repeat the same answer',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      client.send({ type: 'publish', id: 'p1', topic, data: 'once' })
      const first = await client.next('ack', (frame) => frame['id'] === 'p1')
      client.send({ type: 'publish', id: 'p1', topic, data: 'once', age: 5 })
      const second = await client.next('ack', (frame) => frame['id'] === 'p1')
      demand(
        first['offset'] === second['offset'],
        `the first answer names ${String(first['offset'])}, the second ${String(second['offset'])}`,
      )
      await context.roundTrip(client)
      demand(client.of('message').length === 1, 'it is in the log twice')
    },
  },
  {
    rule: 'server rule 5',
    title: "applies an id once on all of a session's legs",
    async run(context) {
      const topic = context.topic()
      const old = await context.join({ [topic]: {} })
      const fresh = await context.join({ [topic]: {} }, { session: old.session, leg: 2 })
      old.send({ type: 'publish', id: 'p1', topic, data: 'once' })
      const first = await old.next('ack', (frame) => frame['id'] === 'p1')
      fresh.send({ type: 'publish', id: 'p1', topic, data: 'once', age: 20 })
      const second = await fresh.next('ack', (frame) => frame['id'] === 'p1')
      demand(
        first['offset'] === second['offset'],
        `the first answer names ${String(first['offset'])}, the second ${String(second['offset'])}`,
      )
      await context.roundTrip(fresh)
      const { offset } = answerIn((await context.join({ [topic]: {} })).welcome, topic)
      demand(offset === first['offset'], 'it is in the log twice')
    },
  },
  {
    rule: 'server rule 5',
    title: 'treats the same id in two sessions as two publishes',
    async run(context) {
      const topic = context.topic()
      const offsets = new Set<unknown>()
      for (let session = 0; session < 2; session++) {
        const client = await context.join()
        client.send({ type: 'publish', id: 'same', topic, data: session })
        offsets.add((await client.next('ack'))['offset'])
      }
      demand(offsets.size === 2, 'the second session got the answer of the first')
    },
  },
  {
    rule: 'server rule 5',
    title: 'answers outcome-unknown if it cannot vouch for the age of a repeat',
    async run(context) {
      const topic = context.topic()
      const client = await context.join()
      client.send({ type: 'publish', id: 'ancient', topic, data: 1, age: 10_000_000_000 })
      const { code } = await client.next('nack', (frame) => frame['id'] === 'ancient')
      demand(code === 'outcome-unknown', `the nack's code is ${String(code)}`)
    },
  },
]
