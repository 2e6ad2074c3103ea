import { expect, it } from 'vitest'
import { handServed, type HandLeg } from '../kit/hand-served.js'
import { seededRandom } from '../kit/seeded-random.js'

/**
 * Servers that do anything the protocol allows, in any order and at any moment, and occasionally something that it does
 * not. What must hold: there are never more than two legs, nothing throws, a socket that is `live` has a live leg, and
 * once the server behaves again the socket is soon live.
 */
async function mayhem(seed: number) {
  const random = seededRandom(seed)
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!
  const world = handServed({
    heartbeat: pick([false, { interval: 6_000, timeout: 5_000 }]),
    getToken: pick([undefined, async () => 'a token']),
    handover: {
      dwell: 200,
      overlapLimit: 4_000,
      redirectOrigins: ['wss://b.test'],
      ...(random() < 0.3
        ? { when: () => (random() < 0.5 ? Promise.resolve() : new Promise<void>(() => undefined)) }
        : {}),
    },
    onClose: () => pick(['retry', 'retry', undefined] as const),
  })
  const { socket, clock, legs: all } = world
  const received: number[] = []
  const undo = [socket.subscribe('t', (_, { offset }) => void received.push(offset))]
  const moves: Promise<unknown>[] = []
  let ids = 0
  let head = 5
  const isOpen = ({ wire, closed }: HandLeg) => wire.readyState < 2 && closed === undefined
  const frames = (leg: HandLeg): object[] => [
    {
      type: 'handover',
      id: pick(['a', 'b', 'c']),
      reason: 'r',
      deadline: pick([0, 1_000, 5_000, 60_000]),
      spread: pick([0, 2_000]),
      ...(random() < 0.4 ? { url: pick(['wss://b.test/', 'wss://evil.test/', '?']) } : {}),
    },
    { type: 'handover-cancelled', id: pick(['a', 'b', 'c']) },
    { type: 'message', topic: 't', offset: ++head, data: head },
    { type: 'message', topic: 't', offset: ++head + 3, data: head },
    {
      type: 'subscribed',
      id: leg.of('subscribe').at(-1)?.['id'] ?? 'none',
      topics: random() < 0.7 ? { t: { epoch: 'e', offset: head, after: head } } : {},
    },
    { type: 'subscribed', topics: { t: { epoch: pick(['e', 'f']), offset: head, after: head } } },
    {
      type: pick(['ack', 'nack']),
      id: leg.of('publish').at(-1)?.['id'] ?? 'none',
      code: pick(['no', 'outcome-unknown']),
      message: '',
      ...(random() < 0.5 ? { retryAfter: 5 } : {}),
    },
    {
      type: 'error',
      code: pick(['busy', 'draining', 'timeout', 'too-slow', 'too-large', 'forbidden']),
      message: '',
      ...pick([{ topic: 't' }, { id: 'x' }, { topic: 't', retryAfter: 9 }]),
    },
    { type: 'pong', reconnectSpread: pick([0, 500, 2_000]) },
    { type: 'token', token: 'another token' },
    { type: 'authed', tokenTtl: 60_000 },
    { type: pick(['nonsense', 'welcome', 'message', 'handover']) },
  ]

  async function step() {
    const leg = pick([...(await all()).filter(isOpen), ...(await all())])
    const dice = random()
    if (leg.wire.readyState === 0) {
      if (dice < 0.6) leg.welcome({ server: pick(['s', 's', 'b']), offset: head })
      else if (dice < 0.7) leg.open()
      else if (dice < 0.9) leg.end()
    } else if (leg.wire.readyState === 1) {
      if (dice < 0.15 && leg.of('hello').length > 0) leg.welcome({ server: pick(['s', 'b']), offset: head })
      else if (dice < 0.75) leg.send(pick(frames(leg)) as { type: string })
      else if (dice < 0.9) leg.end(pick([1000, 1001, 1005, 1006, 1012, 1013, 3008, 4002, 4400]))
    }
    if (random() < 0.15) void socket.publish('t', ++ids, { ttl: 20_000 }).catch(() => undefined)
    if (random() < 0.05) moves.push(socket.handover().catch(() => undefined))
    if (random() < 0.05) undo.push(socket.subscribe(pick(['t', 'u']), () => undefined))
    if (random() < 0.05 && undo.length > 1) undo.pop()!()
    if (random() < 0.6) await clock.advance(Math.floor(random() * random() * 5_000))
    else await clock.flush()
  }

  socket.connect()
  await clock.flush()
  for (let count = 0; count < 60; count++) {
    await step()
    if (socket.store.getState().status === 'closed') socket.connect()
    const legs = await all()
    expect(legs.filter(isOpen).length).toBeLessThanOrEqual(2)
    expect(legs.flatMap(({ wire }) => wire.thrown)).toEqual([])
    const { status, leg } = socket.store.getState()
    if (status === 'live')
      expect(
        legs.filter(isOpen).some(({ said, wire }) => wire.readyState === 1 && said[0]!['leg'] === leg!.number),
      ).toBe(true)
  }

  // From here on all servers behave.
  for (let count = 0; count < 40; count++) {
    for (const leg of (await all()).filter(isOpen)) {
      if (leg.wire.readyState === 0) leg.welcome({ server: `good ${count}`, offset: head })
      else if (leg.of('hello').length === 1 && !welcomed.has(leg.wire))
        leg.welcome({ server: `good ${count}`, offset: head })
      welcomed.add(leg.wire)
      answer(leg)
    }
    await clock.advance(4_000)
  }
  const { status, handover } = socket.store.getState()
  expect([status, handover, (await all()).filter(isOpen).length]).toEqual(['live', null, 1])
  await Promise.all(moves)
  socket.close()
  await clock.advance(1_000)
  expect([clock.pending, (await all()).filter(isOpen).length]).toEqual([0, 0])

  function answer(leg: HandLeg) {
    const from = answered.get(leg.wire) ?? 0
    answered.set(leg.wire, leg.said.length)
    for (const { type, id, topics } of leg.said.slice(from)) {
      if (type === 'subscribe')
        leg.send({
          type: 'subscribed',
          id,
          topics: Object.fromEntries(
            Object.entries(topics as Record<string, { epoch?: string; offset?: number }>).map(([name, at]) => [
              name,
              { epoch: at.epoch ?? 'e', offset: Math.max(head, at.offset ?? 0), after: at.offset ?? head },
            ]),
          ),
        })
      if (type === 'publish') leg.send({ type: 'ack', id })
      if (type === 'ping') leg.send({ type: 'pong' })
      if (type === 'auth') leg.send({ type: 'authed' })
    }
  }
}

const welcomed = new WeakSet<object>()
const answered = new WeakMap<object, number>()

it.each(Array.from({ length: 8 }, (_, seed) => seed + 1))(
  'whatever frames servers send, and in whatever order, at most two legs are open and the client ends live (seed %i)',
  mayhem,
)
