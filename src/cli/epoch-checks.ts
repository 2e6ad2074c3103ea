import type { Check } from './check.js'
import { answerIn, chain, demand } from './check-context.js'
import { Untried } from './frame-client.js'

/** What happens on a leg when the log starts over. */
export const epochChecks: readonly Check[] = [
  {
    rule: 'server rule 8',
    title: 'announces a new epoch, unasked, before any message of it',
    async run(context) {
      if (!context.lose) throw new Untried('no command was given that makes the log start over (--lose)')
      const topic = context.topic()
      const reader = await context.join({ [topic]: {} })
      const { epoch } = answerIn(reader.welcome, topic)
      const old = await context.publish(await context.join(), topic, 3)
      await reader.next('message', (frame) => frame['offset'] === old[2])
      await context.roundTrip(reader)
      const before = reader.frames.length
      await context.lose()
      // A log that is not back yet refuses publishes for a while.
      const first = await context.say(await context.join(), topic, 'the first')
      const now = answerIn((await context.join({ [topic]: {} })).welcome, topic)
      if (now.epoch === epoch)
        throw new Untried('the command for --lose has left the log as it was: the topic still has its epoch')
      const told = await reader.next(
        'subscribed',
        (frame) => frame['id'] === undefined && topic in Object(frame['topics']),
      )
      const early = reader.frames
        .slice(before, reader.frames.indexOf(told))
        .filter((frame) => frame.type === 'message' && frame['topic'] === topic)
      demand(
        early.length === 0,
        `${early.length} messages came between the loss and the subscribed that names the new epoch`,
      )
      const answer = answerIn(told, topic)
      demand(
        answer.epoch === now.epoch,
        `the subscribed names the epoch ${answer.epoch}, but a new leg gets ${now.epoch}`,
      )
      const last = await context.say(await context.join(), topic, 'the last')
      await reader.next('message', (frame) => frame['topic'] === topic && frame['offset'] === last)
      await context.roundTrip(reader)
      demand(
        answer.after < first,
        `the subscribed begins after ${answer.after}, but the first message of the new epoch has ${first}`,
      )
      chain(
        reader,
        topic,
        answer.after,
        last,
        reader.frames.slice(0, before).filter((frame) => frame.type === 'message' && frame['topic'] === topic).length,
      )
    },
  },
  {
    rule: 'server rule 4',
    title: 'answers outcome-unknown on a leg from before the log was lost, repeat or not',
    async run(context) {
      if (!context.lose) throw new Untried('no command was given that makes the log start over (--lose)')
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      const { epoch } = answerIn(client.welcome, topic)
      await context.publish(client, topic, 2)
      const before = context.clock.monotonic()
      await context.lose()
      await context.say(await context.join(), topic, 'after it')
      const now = answerIn((await context.join({ [topic]: {} })).welcome, topic)
      if (now.epoch === epoch)
        throw new Untried('the command for --lose has left the log as it was: the topic still has its epoch')
      for (const id of ['first copy', 'repeat']) {
        // Of a repeat whose first copy was sent after the loss the server may know the outcome, once the leg has
        // answered a ping.
        const age = id === 'repeat' ? { age: Math.ceil(context.clock.monotonic() - before) } : {}
        client.send({ type: 'publish', id, topic, data: id, ...age })
        const answer = await client.next(['ack', 'nack'], (frame) => frame['id'] === id)
        demand(
          answer.type === 'nack' && answer['code'] === 'outcome-unknown',
          `a ${id} was answered ${answer.type} ${String(answer['code'] ?? '')}`.trim(),
        )
      }
    },
  },
]
