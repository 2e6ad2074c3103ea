import type { Check } from './check.js'
import { answerIn, demand } from './check-context.js'
import { Untried } from './frame-client.js'

/** What a server owes every leg. */
export const legChecks: readonly Check[] = [
  {
    rule: 'transport',
    title: 'selects the subprotocol livesocket.v1',
    async run(context) {
      const { protocol } = await context.open(['other.protocol', 'livesocket.v1'])
      demand(protocol === 'livesocket.v1', `it selected ${protocol === '' ? 'none' : protocol}`)
    },
  },
  {
    rule: 'transport',
    title: 'ignores frames and fields that it does not know',
    async run(context) {
      const client = await context.join()
      client.send({ type: 'of-tomorrow', anything: [1] })
      client.send({ type: 'ping', extra: true })
      await client.next('pong')
    },
  },
  {
    rule: 'transport',
    title: 'sends only frames: text, each one JSON object with a type',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      await context.publish(client, topic, 1)
      await context.roundTrip(client)
      const [other] = client.of('no frame')
      demand(other === undefined, `it sent ${String(other?.['text']).slice(0, 80)}`)
    },
  },
  {
    rule: 'transport',
    title: 'survives texts that are no frames, and rejects or ignores them',
    async run(context) {
      for (const wrong of [
        '',
        '{',
        '[]',
        'null',
        '{"type":7}',
        '{"type":"publish"}',
        '{"type":"subscribe","topics":3}',
      ]) {
        const client = await context.join()
        client.send(wrong)
        client.send({ type: 'ping' })
        const answered = await client.next('pong').then(
          () => true,
          () => false,
        )
        if (!answered)
          demand(
            (await client.closed()).code === 1002,
            `after ${wrong || 'an empty frame'} it should answer pings, or close with 1002`,
          )
      }
    },
  },
  {
    rule: 'welcome',
    title: 'names the server, and answers each topic',
    async run(context) {
      const [one, two] = [context.topic(), context.topic()]
      const { welcome } = await context.join({ [one]: {}, [two]: {} })
      demand(typeof welcome['server'] === 'string' && welcome['server'] !== '', 'a welcome should name the server')
      for (const topic of [one, two]) answerIn(welcome, topic)
    },
  },
  {
    rule: 'hello',
    title: 'accepts nothing before the hello',
    async run(context) {
      const client = await context.open()
      const topic = context.topic()
      client.send({ type: 'publish', id: 'early', topic, data: 1 })
      client.send({ type: 'subscribe', id: 'early', topics: { [topic]: {} } })
      await context.wait(Math.min(500, context.patience / 2))
      demand(client.of('ack').length + client.of('subscribed').length === 0, 'it served a leg that had sent no hello')
    },
  },
  {
    rule: 'hello',
    title: 'closes with 3008 a connection that sends no hello within 10 s',
    slow: true,
    async run(context) {
      const client = await context.open()
      const { code } = await client.closed(10_000 + Math.max(2_000, context.patience))
      demand(code === 3008, `it closed with ${code}`)
    },
  },
  {
    rule: 'heartbeat',
    title: 'is never silent for longer than it says',
    slow: true,
    async run(context) {
      const client = await context.join()
      const { heartbeat } = client.welcome as { heartbeat?: number }
      if (heartbeat === undefined) throw new Untried('the welcome names no heartbeat')
      if (heartbeat > 15_000) throw new Untried(`a silence of ${heartbeat} ms is too long to wait for`)
      const before = client.frames.length
      await context.wait(heartbeat * 1.1 + 200)
      demand(
        client.frames.length > before,
        `nothing came for ${Math.round(heartbeat * 1.1)} ms, but the welcome allows ${heartbeat}`,
      )
    },
  },
  {
    rule: 'maxFrame',
    title: 'refuses a frame over maxFrame, and only that one',
    async run(context) {
      const topic = context.topic()
      const client = await context.join({ [topic]: {} })
      const { maxFrame } = client.welcome as { maxFrame?: number }
      if (maxFrame === undefined) throw new Untried('the welcome names no maxFrame')
      if (maxFrame > 16 * 1_048_576) throw new Untried(`a frame of ${maxFrame} bytes is too large to send`)
      client.send({ type: 'publish', id: 'large', topic, data: 'x'.repeat(maxFrame) })
      client.send({ type: 'ping' })
      await client.next('pong').catch(async () => {
        const { code } = await client.closed()
        demand(code === 1009, `it closed with ${code}`)
      })
      demand(!client.of('ack').some((frame) => frame['id'] === 'large'), 'it accepted the frame')
      const after = await context.join({ [topic]: {} })
      demand(
        answerIn(after.welcome, topic).offset === answerIn(client.welcome, topic).offset,
        'the frame is in the log',
      )
    },
  },
  {
    rule: 'errors',
    title: 'answers a wrong token with unauthorized and 3000',
    async run(context) {
      if (context.token === undefined) throw new Untried('no token was given: the server may accept anybody')
      const client = await context.open()
      client.send(context.hello({}, { token: 'a token that nobody has issued' }))
      const answer = await client.next(['error', 'welcome'])
      if (answer.type === 'welcome') throw new Untried('any token is accepted here')
      const { code } = answer
      demand(code === 'unauthorized', `the error's code is ${String(code)}`)
      const close = await client.closed()
      demand(close.code === 3000, `it closed with ${close.code}`)
    },
  },
  {
    rule: 'auth',
    title: 'accepts a fresh token on a live leg',
    async run(context) {
      if (context.token === undefined) throw new Untried('no token was given')
      const client = await context.join()
      client.send({ type: 'auth', token: context.token })
      await client.next('authed')
    },
  },
  {
    rule: 'server rule 7',
    title: "leaves a session's older leg alive beside its newer one, and both get the same messages",
    async run(context) {
      const topic = context.topic()
      const old = await context.join({ [topic]: {} })
      const fresh = await context.join({ [topic]: {} }, { session: old.session, leg: 2 })
      demand(
        answerIn(old.welcome, topic).epoch === answerIn(fresh.welcome, topic).epoch,
        'the two legs name two epochs for one topic',
      )
      const [offset] = await context.publish(fresh, topic, 1)
      for (const client of [old, fresh])
        await client.next('message', (frame) => frame['topic'] === topic && frame['offset'] === offset)
      await context.roundTrip(old)
    },
  },
  {
    rule: 'server rule 7',
    title: 'refuses a leg that is not above the newest as superseded, with 4001',
    async run(context) {
      const newest = await context.join({}, { leg: 5 })
      for (const leg of [5, 4]) {
        const client = await context.open()
        client.send(context.hello({}, { session: newest.session, leg }))
        const { code } = await client.next('error')
        demand(code === 'superseded', `the error's code is ${String(code)}`)
        const close = await client.closed()
        demand(close.code === 4001, `it closed with ${close.code}`)
      }
      await context.roundTrip(newest)
    },
  },
]
