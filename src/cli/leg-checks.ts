import type { Check } from './conformance.js'
import { answerIn, demand } from './check-context.js'
import { Untried } from './frame-client.js'

/** What a server owes every leg. */
export const legChecks: readonly Check[] = [
  {
    rule: 'transport',
    title: 'selects the subprotocol livesocket.v1',
    async run(stand) {
      const { protocol } = await stand.open(['other.protocol', 'livesocket.v1'])
      demand(protocol === 'livesocket.v1', `it selected ${protocol === '' ? 'none' : protocol}`)
    },
  },
  {
    rule: 'transport',
    title: 'ignores frames and fields that it does not know',
    async run(stand) {
      const wire = await stand.join()
      wire.send({ type: 'of-tomorrow', anything: [1] })
      wire.send({ type: 'ping', extra: true })
      await wire.next('pong')
    },
  },
  {
    rule: 'transport',
    title: 'says nothing but frames: text, one JSON object with a type each',
    async run(stand) {
      const topic = stand.topic()
      const wire = await stand.join({ [topic]: {} })
      await stand.publish(wire, topic, 1)
      await stand.settle(wire)
      const [other] = wire.of('no frame')
      demand(other === undefined, `it said ${String(other?.['text']).slice(0, 80)}`)
    },
  },
  {
    rule: 'transport',
    title: 'outlives what is no frame, and says so or ignores it',
    async run(stand) {
      for (const wrong of ['', '{', '[]', 'null', '{"type":7}', '{"type":"publish"}', '{"type":"subscribe","topics":3}']) {
        const wire = await stand.join()
        wire.send(wrong)
        wire.send({ type: 'ping' })
        const answered = await wire.next('pong').then(
          () => true,
          () => false,
        )
        if (!answered) demand((await wire.closed()).code === 1002, `after ${wrong || 'an empty frame'} it should answer pings, or close with 1002`)
      }
    },
  },
  {
    rule: 'welcome',
    title: 'names the server, and answers each topic',
    async run(stand) {
      const [one, two] = [stand.topic(), stand.topic()]
      const { welcome } = await stand.join({ [one]: {}, [two]: {} })
      demand(typeof welcome['server'] === 'string' && welcome['server'] !== '', 'a welcome should name the server')
      for (const topic of [one, two]) answerIn(welcome, topic)
    },
  },
  {
    rule: 'hello',
    title: 'takes nothing before the hello',
    async run(stand) {
      const wire = await stand.open()
      const topic = stand.topic()
      wire.send({ type: 'publish', id: 'early', topic, data: 1 })
      wire.send({ type: 'subscribe', id: 'early', topics: { [topic]: {} } })
      await stand.wait(Math.min(500, stand.patience / 2))
      demand(wire.of('ack').length + wire.of('subscribed').length === 0, 'it served a leg that had not said hello')
    },
  },
  {
    rule: 'hello',
    title: 'closes with 3008 what has not said hello within 10 s',
    slow: true,
    async run(stand) {
      const wire = await stand.open()
      const { code } = await wire.closed(10_000 + Math.max(2_000, stand.patience))
      demand(code === 3008, `it closed with ${code}`)
    },
  },
  {
    rule: 'heartbeat',
    title: 'is never silent for longer than it says',
    slow: true,
    async run(stand) {
      const wire = await stand.join()
      const { heartbeat } = wire.welcome as { heartbeat?: number }
      if (heartbeat === undefined) throw new Untried('the welcome names no heartbeat')
      if (heartbeat > 15_000) throw new Untried(`a silence of ${heartbeat} ms is too long to wait for`)
      const before = wire.frames.length
      await stand.wait(heartbeat * 1.1 + 200)
      demand(wire.frames.length > before, `nothing came for ${Math.round(heartbeat * 1.1)} ms, and the welcome allows ${heartbeat}`)
    },
  },
  {
    rule: 'maxFrame',
    title: 'refuses a frame over maxFrame, and that one only',
    async run(stand) {
      const topic = stand.topic()
      const wire = await stand.join({ [topic]: {} })
      const { maxFrame } = wire.welcome as { maxFrame?: number }
      if (maxFrame === undefined) throw new Untried('the welcome names no maxFrame')
      if (maxFrame > 16 * 1_048_576) throw new Untried(`a frame of ${maxFrame} bytes is too large to send`)
      wire.send({ type: 'publish', id: 'large', topic, data: 'x'.repeat(maxFrame) })
      wire.send({ type: 'ping' })
      await wire.next('pong').catch(async () => {
        const { code } = await wire.closed()
        demand(code === 1009, `it closed with ${code}`)
      })
      demand(!wire.of('ack').some((frame) => frame['id'] === 'large'), 'it took the frame')
      const after = await stand.join({ [topic]: {} })
      demand(answerIn(after.welcome, topic).offset === answerIn(wire.welcome, topic).offset, 'the frame is in the log')
    },
  },
  {
    rule: 'errors',
    title: 'answers a wrong token with unauthorized and 3000',
    async run(stand) {
      if (stand.token === undefined) throw new Untried('no token was given: the server may take anybody')
      const wire = await stand.open()
      wire.send(stand.hello({}, { token: 'a token that nobody has issued' }))
      const { code } = await wire.next('error')
      demand(code === 'unauthorized', `the error's code is ${String(code)}`)
      const close = await wire.closed()
      demand(close.code === 3000, `it closed with ${close.code}`)
    },
  },
  {
    rule: 'auth',
    title: 'takes a fresh token on a living leg',
    async run(stand) {
      if (stand.token === undefined) throw new Untried('no token was given')
      const wire = await stand.join()
      wire.send({ type: 'auth', token: stand.token })
      await wire.next('authed')
    },
  },
  {
    rule: 'server rule 7',
    title: "leaves a session's older leg alive beside its newer one, and both bring the same",
    async run(stand) {
      const topic = stand.topic()
      const old = await stand.join({ [topic]: {} })
      const fresh = await stand.join({ [topic]: {} }, { session: old.session, leg: 2 })
      demand(answerIn(old.welcome, topic).epoch === answerIn(fresh.welcome, topic).epoch, 'the two legs name two epochs for one topic')
      const [offset] = await stand.publish(fresh, topic, 1)
      for (const wire of [old, fresh]) await wire.next('message', (frame) => frame['topic'] === topic && frame['offset'] === offset)
      await stand.settle(old)
    },
  },
  {
    rule: 'server rule 7',
    title: 'refuses a leg that is not above the newest as superseded, with 4001',
    async run(stand) {
      const newest = await stand.join({}, { leg: 5 })
      for (const leg of [5, 4]) {
        const wire = await stand.open()
        wire.send(stand.hello({}, { session: newest.session, leg }))
        const { code } = await wire.next('error')
        demand(code === 'superseded', `the error's code is ${String(code)}`)
        const close = await wire.closed()
        demand(close.code === 4001, `it closed with ${close.code}`)
      }
      await stand.settle(newest)
    },
  },
]
