import type { Check } from './conformance.js'
import { answerIn, demand } from './stand.js'

/** Publishes are applied once, in order, and answered. */
export const publishChecks: readonly Check[] = [
  {
    rule: 'server rule 4',
    title: 'applies publishes one at a time, in the order of arrival, and answers each',
    async run(stand) {
      const topic = stand.topic()
      const wire = await stand.join({ [topic]: {} })
      const offsets = await stand.publish(wire, topic, 50)
      const answered = wire.of('ack').map((frame) => frame['offset'] as number)
      demand(answered.length === 50, `50 publishes had ${answered.length} answers`)
      demand(answered.every((offset, at) => at === 0 || offset > answered[at - 1]!), 'the answers are not in the order of arrival')
      await wire.next('message', (frame) => frame['offset'] === offsets[49])
      const data = wire.of('message').map((frame) => frame['data'])
      demand(data.every((number, at) => number === at + 1), 'the log is not in the order of arrival')
    },
  },
  {
    rule: 'server rule 5',
    title: 'applies an id once on a leg, and gives a repeat the same answer',
    async run(stand) {
      const topic = stand.topic()
      const wire = await stand.join({ [topic]: {} })
      wire.send({ type: 'publish', id: 'p1', topic, data: 'once' })
      const first = await wire.next('ack', (frame) => frame['id'] === 'p1')
      wire.send({ type: 'publish', id: 'p1', topic, data: 'once', age: 5 })
      const second = await wire.next('ack', (frame) => frame['id'] === 'p1')
      demand(first['offset'] === second['offset'], `the first answer names ${String(first['offset'])}, the second ${String(second['offset'])}`)
      await stand.settle(wire)
      demand(wire.of('message').length === 1, 'it is in the log twice')
    },
  },
  {
    rule: 'server rule 5',
    title: "applies an id once on all of a session's legs",
    async run(stand) {
      const topic = stand.topic()
      const old = await stand.join({ [topic]: {} })
      const fresh = await stand.join({ [topic]: {} }, { session: old.session, leg: 2 })
      old.send({ type: 'publish', id: 'p1', topic, data: 'once' })
      const first = await old.next('ack', (frame) => frame['id'] === 'p1')
      fresh.send({ type: 'publish', id: 'p1', topic, data: 'once', age: 20 })
      const second = await fresh.next('ack', (frame) => frame['id'] === 'p1')
      demand(first['offset'] === second['offset'], `the first answer names ${String(first['offset'])}, the second ${String(second['offset'])}`)
      await stand.settle(fresh)
      const { offset } = answerIn((await stand.join({ [topic]: {} })).welcome, topic)
      demand(offset === first['offset'], 'it is in the log twice')
    },
  },
  {
    rule: 'server rule 5',
    title: 'takes the same id of two sessions for two publishes',
    async run(stand) {
      const topic = stand.topic()
      const offsets = new Set<unknown>()
      for (let session = 0; session < 2; session++) {
        const wire = await stand.join()
        wire.send({ type: 'publish', id: 'same', topic, data: session })
        offsets.add((await wire.next('ack'))['offset'])
      }
      demand(offsets.size === 2, 'the second session had the answer of the first')
    },
  },
  {
    rule: 'server rule 5',
    title: 'answers outcome-unknown where it cannot vouch for the age of a repeat',
    async run(stand) {
      const topic = stand.topic()
      const wire = await stand.join()
      wire.send({ type: 'publish', id: 'ancient', topic, data: 1, age: 10_000_000_000 })
      const { code } = await wire.next('nack', (frame) => frame['id'] === 'ancient')
      demand(code === 'outcome-unknown', `the nack's code is ${String(code)}`)
    },
  },
]
