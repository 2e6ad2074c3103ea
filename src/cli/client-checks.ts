import { demand } from './check-context.js'
import type { ClientStage } from './client-stage.js'
import { delivers, HANDOVER, served } from './client-steps.js'

export interface ClientCheck {
  /** The rule of docs/protocol.md that is checked. */
  readonly rule: string
  readonly title: string
  run(stage: ClientStage): Promise<void>
}

/** What a client owes its server and its application. */
export const clientChecks: readonly ClientCheck[] = [
  {
    rule: 'hello',
    title: 'offers livesocket.v1, and first sends a hello with a session, leg 1 and its topics from now on',
    async run(stage) {
      const { hello, protocol, url } = await stage.leg()
      demand(protocol === 'livesocket.v1', 'it should offer the subprotocol livesocket.v1')
      demand(!/token/i.test(url), 'a URL must never contain a credential')
      demand(typeof hello['session'] === 'string' && hello['session'] !== '', 'the hello should name a session')
      demand(hello['leg'] === 1, `the first leg is 1, not ${String(hello['leg'])}`)
      const asked = (hello['topics'] as Record<string, object> | undefined)?.[stage.topic]
      demand(
        asked !== undefined && !('epoch' in asked) && !('offset' in asked),
        'the hello should ask for the topic from now on, as {}',
      )
    },
  },
  {
    rule: 'transport',
    title: 'ignores frames and fields that it does not know',
    async run(stage) {
      const leg = await served(stage)
      leg.send({ type: 'of-tomorrow', anything: [1] })
      leg.send({ type: 'message', topic: stage.topic, offset: 3, data: 3, more: true })
      await delivers(stage, [1, 2, 3], 'unknown frames are no messages, and unknown fields change none')
    },
  },
  {
    rule: 'client rule 4',
    title: 'delivers each offset once',
    async run(stage) {
      const leg = await served(stage)
      for (const offset of [2, 1, 3]) leg.message(offset)
      await delivers(stage, [1, 2, 3], 'a message at the position or before it is a duplicate')
    },
  },
  {
    rule: 'client rule 4',
    title: 'advances its position by a message without data',
    async run(stage) {
      const leg = await served(stage)
      leg.send({ type: 'message', topic: stage.topic, offset: 4, prev: 2 })
      leg.message(5, 4)
      await delivers(stage, [1, 2, 5], 'hidden messages are not delivered, and are no gap')
      demand(stage.gaps.length === 0, 'it reported a gap where there was none')
    },
  },
  {
    rule: 'client rule 4',
    title: 'reports one gap, with its bounds, if the server has not kept what it asked for',
    async run(stage) {
      const first = await served(stage)
      first.close(1012)
      const leg = await stage.leg()
      leg.welcome({ server: 'b', offset: 9, after: 6 })
      for (const offset of [7, 8, 9]) leg.message(offset)
      await delivers(stage, [1, 2, 7, 8, 9], 'messages after the gap are delivered')
      const told = stage.gaps.map(({ from, to }) => `${from} to ${to}`)
      demand(told.join() === '3 to 6', `it should report one gap, 3 to 6, but reported ${told.join(', ') || 'none'}`)
    },
  },
  {
    rule: 'client rule 4',
    title: 'reports one gap for a new epoch that is announced unasked, and continues in it',
    async run(stage) {
      const leg = await served(stage)
      leg.send({ type: 'subscribed', topics: { [stage.topic]: { epoch: 'f', offset: 0, after: 0 } } })
      leg.message(1)
      await delivers(stage, [1, 2, 1], 'offsets of the new epoch start over')
      demand(stage.gaps.length === 1, `it should report one gap, but reported ${stage.gaps.length}`)
    },
  },
  {
    rule: 'client rule 1',
    title: 'hands over when it is asked to: a second leg of the same session, from its position, beside the first',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const fresh = await stage.leg()
      const { session, leg, handover, topics } = fresh.hello
      demand(session === old.hello['session'], 'it should be the same session')
      demand(leg === 2, `the second leg is 2, not ${String(leg)}`)
      demand(handover === 'asked', 'the hello should name the request that led to it')
      demand(
        JSON.stringify((topics as Record<string, unknown>)[stage.topic]) === '{"epoch":"e","offset":2}',
        'the hello should ask for the messages after its position',
      )
      old.message(3)
      await delivers(stage, [1, 2, 3], 'the old leg serves until the new one is welcomed')
      demand(!old.isClosed, 'it closed the old leg before the new one was welcomed')
    },
  },
  {
    rule: 'client rule 6',
    title:
      'closes the old leg with 1000 when it has reached the head of the new one, not before, and delivers each once',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const fresh = await stage.leg()
      fresh.welcome({ server: 'b', offset: 4 })
      fresh.message(3)
      old.message(3)
      await stage.until(() => stage.delivered.includes(3), 'it should deliver what either leg brings')
      await stage.stays(() => !old.isClosed, 'it closed the old leg before it had reached the head of the new one', 200)
      fresh.message(4)
      demand((await old.closed(5 * stage.patience)).code === 1000, 'it should close the old leg with 1000')
      fresh.message(5)
      await delivers(stage, [1, 2, 3, 4, 5], 'two legs are one sequence')
    },
  },
  {
    rule: 'client rule 4',
    title: 'holds early messages of the new leg until the old one has brought those before them',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const fresh = await stage.leg()
      // The new leg begins above the client's position: the old leg still owes 3.
      fresh.welcome({ server: 'b', offset: 3, after: 3 })
      fresh.message(4)
      await stage.stays(() => stage.delivered.length === 2, 'it delivered 4 before 3', 60)
      old.message(3)
      await delivers(stage, [1, 2, 3, 4], 'the order is that of the topic')
      demand(stage.gaps.length === 0, 'it reported a gap where nothing was missing')
    },
  },
  {
    rule: 'client rule 3',
    title: 'leaves the server that asked it to hand over if it lands there again, and dials again',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const same = await stage.leg()
      same.welcome({ server: 'a' })
      const other = await stage.leg()
      demand(same.isClosed || (await same.closed().then(() => true)), 'it should close that leg')
      demand(!old.isClosed, 'it closed the old leg')
      other.welcome({ server: 'b' })
      await old.closed(5 * stage.patience)
    },
  },
  {
    rule: 'client rule 7',
    title: 'keeps the old leg if the new one fails, and dials again',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const failed = await stage.leg()
      failed.send({ type: 'error', code: 'draining', message: 'Not here.' })
      failed.close(1012)
      const next = await stage.leg()
      old.message(3)
      await delivers(stage, [1, 2, 3], 'the old leg goes on')
      next.welcome({ server: 'b' })
      await old.closed(5 * stage.patience)
    },
  },
  {
    rule: 'client rule 8',
    title: 'stays if the request is cancelled before the new leg is ready',
    async run(stage) {
      const old = await served(stage)
      old.send(HANDOVER)
      const fresh = await stage.leg()
      old.send({ type: 'handover-cancelled', id: 'asked' })
      await fresh.closed(5 * stage.patience)
      old.message(3)
      await delivers(stage, [1, 2, 3], 'the old leg goes on')
      await stage.stays(() => stage.open === 1 && stage.dials === 2, 'it dialled again, or closed its leg', 300)
    },
  },
  {
    rule: 'client rule 1',
    title: 'has two legs at most, however often it is asked to hand over',
    async run(stage) {
      const old = await served(stage)
      for (const id of ['one', 'two', 'three']) old.send({ ...HANDOVER, id })
      const fresh = await stage.leg()
      fresh.welcome({ server: 'b', offset: 9, after: 2 })
      fresh.send({ ...HANDOVER, id: 'four' })
      await stage.stays(() => stage.open <= 2, `it has ${stage.open} legs`, 500)
    },
  },
  {
    rule: 'client rule 5',
    title: 'sends a publish again that is unanswered when its leg ends: same id, same n, with its age',
    async run(stage) {
      const old = await served(stage)
      stage.tell({ do: 'publish', data: 'once' })
      const first = await old.next('publish')
      demand('n' in first, 'a publish should have an n')
      demand(!('age' in first), 'a first copy has no age')
      old.close(1012)
      const leg = await stage.leg()
      leg.welcome({ server: 'b' })
      const again = await leg.next('publish')
      for (const field of ['id', 'n', 'topic', 'data'])
        demand(again[field] === first[field], `the repeat should have the ${field} of the first copy`)
      demand(Number.isSafeInteger(again['age']), 'a repeat should have an age')
      leg.send({ type: 'ack', id: again['id'], offset: 3 })
      await stage.until(() => stage.settled.length === 1, 'it should report the outcome')
      demand(stage.settled[0]!.code === undefined, `it was acknowledged, but reported as ${stage.settled[0]!.code}`)
    },
  },
  {
    rule: 'client rule 5',
    title: 'numbers its publishes, and reports a refusal and an unknown outcome as such',
    async run(stage) {
      const leg = await served(stage)
      let n = 0
      for (const code of ['forbidden', 'outcome-unknown']) {
        stage.tell({ do: 'publish', data: code })
        const publish = await leg.next('publish')
        demand(Number(publish['n']) > n, `n should rise, but was ${String(publish['n'])} after ${n}`)
        n = Number(publish['n'])
        leg.send({ type: 'nack', id: publish['id'], code, message: 'As the check wants it.' })
        await stage.until(() => stage.settled.length === (code === 'forbidden' ? 1 : 2), 'it should report the outcome')
      }
      const [refused, unknown] = stage.settled
      demand(refused!.code !== undefined && refused!.code !== 'outcome-unknown', 'a refusal is known not to be applied')
      demand(unknown!.code === 'outcome-unknown', 'an unknown outcome is neither success nor failure')
    },
  },
  {
    rule: 'heartbeat',
    title: 'is never silent for longer than the welcome allows',
    async run(stage) {
      const leg = await stage.leg()
      leg.welcome({ heartbeat: 1_000 })
      await leg.next('ping', undefined, 1_200)
    },
  },
  {
    rule: 'errors',
    title: 'comes back after 1012, as the next leg and from its position',
    async run(stage) {
      const old = await served(stage)
      old.close(1012)
      const { hello } = await stage.leg()
      demand(hello['session'] === old.hello['session'] && hello['leg'] === 2, 'it should be leg 2 of the same session')
      demand(
        JSON.stringify((hello['topics'] as Record<string, unknown>)[stage.topic]) === '{"epoch":"e","offset":2}',
        'it should ask for the messages after its position',
      )
    },
  },
  ...(['superseded', 'session-ended', 'forbidden'] as const).map(
    (code): ClientCheck => ({
      rule: 'errors',
      title: `stops after ${code}`,
      async run(stage) {
        const leg = await served(stage)
        leg.send({ type: 'error', code, message: 'As the check wants it.' })
        leg.close({ superseded: 4001, 'session-ended': 3000, forbidden: 3003 }[code])
        await stage.stays(() => stage.dials === 1, 'it dialled again', 1_000)
      },
    }),
  ),
  {
    rule: 'errors',
    title: 'stays closed after 1000',
    async run(stage) {
      const leg = await served(stage)
      leg.close(1000)
      await stage.stays(() => stage.dials === 1, 'it dialled again', 1_000)
    },
  },
]
