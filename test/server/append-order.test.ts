import { expect, test } from 'vitest'
import { createAppendOrder } from '../../src/server/redis/append-order.js'
import { seededRandom } from '../../src/testing/seeded-random.js'

const turns = async () => {
  for (let at = 0; at < 20; at++) await Promise.resolve()
}

/** A way to Redis that is lost now and then: of what is on it some was applied, from the first on, and the rest was not. */
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
    /** What is sent from here on goes another way. Who waits for an answer learns only some time later that there is none. */
    async lose() {
      const lost = onTheWay.splice(0)
      generation++
      for (const { answer } of lost) {
        answer(false)
        if (random() < 0.5) await turns()
      }
    },
  }
}

test.each(Array.from({ length: 200 }, (_, at) => at + 1))('what a session appends is applied in its order however often the way to Redis is lost (seed %d)', async (seed) => {
  const way = unsteadyWay(seed)
  const order = createAppendOrder(way.generation)
  let settled = 0
  const append = async (n: number) => {
    const place = order.enter('s')
    const turn = place.first()
    if (turn) await turn
    while (!(await way.send(n))) await place.again()
    place.leave()
    settled++
  }
  let asked = 0
  for (let round = 0; round < 60; round++) {
    for (let more = Math.floor(way.random() * 6); more > 0; more--) void append(asked++)
    await turns()
    if (way.random() < 0.2) await way.lose()
    else way.applySome()
    await turns()
  }
  for (let round = 0; settled < asked && round < 1_000; round++) {
    way.applySome()
    await turns()
  }
  expect(settled).toBe(asked)
  expect(way.applied).toEqual(Array.from({ length: asked }, (_, n) => n))
})

test('none of it waits for an answer while the way is the same, and sessions do not wait for each other', async () => {
  const way = unsteadyWay(1)
  const order = createAppendOrder(way.generation)
  const places = Array.from({ length: 5 }, () => order.enter('s'))
  for (const [n, place] of places.entries()) {
    expect(place.first()).toBeUndefined()
    void way.send(n)
  }
  await way.lose()
  expect(order.enter('s').first()).toBeInstanceOf(Promise)
  expect(order.enter('another').first()).toBeUndefined()
  for (const place of places) place.leave()
})
