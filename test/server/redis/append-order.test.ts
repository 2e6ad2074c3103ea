import { expect, test } from 'vitest'
import { createAppendOrder } from '../../../src/server/redis/append-order.js'
import { seededRandom } from '../../../src/testing/seeded-random.js'

const turns = async () => {
  for (let at = 0; at < 20; at++) await Promise.resolve()
}

/**
 * A connection to Redis that breaks now and then. Of the appends under way some were applied, starting with the first,
 * and the rest were not.
 */
function unsteadyWay(seed: number) {
  const random = seededRandom(seed)
  const onTheWay: { n: number; answer(applied: boolean): void }[] = []
  const applied: number[] = []
  let generation = 0
  return {
    random,
    applied,
    generation: () => generation,
    send: (n: number) => new Promise<boolean>((answer) => void onTheWay.push({ n, answer })),
    busy: () => onTheWay.length > 0,
    sent: () => onTheWay.map(({ n }) => n),
    applySome() {
      for (const { n, answer } of onTheWay.splice(0, Math.ceil(random() * onTheWay.length))) {
        applied.push(n)
        answer(true)
      }
    },
    /**
     * Appends that are sent from here on use another connection. A caller that waits for an answer learns only some
     * time later that there is none.
     */
    async lose(meanwhile: () => void) {
      const lost = onTheWay.splice(0)
      generation++
      for (const { answer } of lost) {
        answer(false)
        if (random() < 0.5) meanwhile()
        if (random() < 0.5) await turns()
      }
    },
  }
}

test.each(Array.from({ length: 200 }, (_, at) => at + 1))(
  'appends of a session are applied in order, however often the connection to Redis is lost (seed %d)',
  async (seed) => {
    const way = unsteadyWay(seed)
    const order = createAppendOrder(way.generation)
    let settled = 0
    const append = async (n: number) => {
      const place = order.enter('s')
      const send = () => way.send(n)
      while (!(await place.send(send))) if (way.random() < 0.5) await turns()
      place.leave()
      settled++
    }
    let asked = 0
    for (let round = 0; round < 60; round++) {
      for (let more = Math.floor(way.random() * 6); more > 0; more--) void append(asked++)
      await turns()
      if (way.random() < 0.2) await way.lose(() => void append(asked++))
      else way.applySome()
      await turns()
    }
    for (let round = 0; settled < asked && round < 1_000; round++) {
      way.applySome()
      await turns()
    }
    expect(settled).toBe(asked)
    expect(way.applied).toEqual(Array.from({ length: asked }, (_, n) => n))
  },
)

test('appends do not wait for answers while the connection lasts, and sessions do not wait for each other', async () => {
  const way = unsteadyWay(1)
  const order = createAppendOrder(way.generation)
  const append = (session: string, n: number) => {
    const place = order.enter(session)
    void place.send(() => way.send(n)).then(() => place.leave())
  }
  for (let n = 1; n <= 5; n++) append('s', n)
  expect(way.sent()).toEqual([1, 2, 3, 4, 5])
  const lost = way.lose(() => undefined)
  append('s', 6)
  append('another', 7)
  expect(way.sent()).toEqual([7])
  await lost
  await turns()
  expect(way.sent()).toEqual([7, 6])
})
