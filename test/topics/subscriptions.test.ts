import { expect, test } from 'vitest'
import { LiveSocketError } from '../../src/base/errors.js'
import type { MessageInfo } from '../../src/topics/message.js'
import { createSubscriptions, nobody } from '../../src/topics/subscriptions.js'
import type { Last, Position, TopicRequest } from '../../src/protocol/frames.js'
import { seededRandom } from '../kit/seeded-random.js'

/** Subscriptions of one topic over a merge that the test controls. */
function createBench() {
  let lines: string[] = []
  let present: Position | null = null
  const say = (line: string) => void lines.push(line)
  const show = (from: TopicRequest) =>
    !from ? 'now' : from.last !== undefined ? `last ${from.last}` : `${from.epoch}:${from.offset}`
  const subscriptions = createSubscriptions({
    merge: {
      position: () => present,
      subscribe(topic, from) {
        say(`subscribe ${topic} ${show(from)}`)
        present = from?.epoch === undefined ? null : from
      },
      unsubscribe: (topic) => say(`unsubscribe ${topic}`),
    },
    threw: (error, topic) => say(`threw ${topic} ${String(error)}`),
  })
  return {
    subscriptions,
    told: () => lines.splice(0),
    add: (name: string, from?: Position | Last, then?: () => void) =>
      subscriptions.add(
        't',
        (_data, { offset }) => {
          say(`${name} ${offset}`)
          then?.()
        },
        undefined,
        from,
      ),
    answered(epoch: string, head: number) {
      present ??= { epoch, offset: head }
      subscriptions.answered('t', { epoch, offset: head })
    },
    deliver(epoch: string, ...offsets: number[]) {
      for (const offset of offsets) {
        present = { epoch, offset }
        subscriptions.deliver(null, { topic: 't', epoch, offset, leg: 1, replayed: false })
      }
    },
    goTo: (position: Position) => (present = position),
  }
}

const e = (offset: number): Position => ({ epoch: 'e', offset })

test('the first handler subscribes the topic, the end of the last one unsubscribes it, and each gets every message once', async () => {
  const { subscriptions, add, answered, deliver, told } = createBench()
  const removeA = add('a')
  answered('e', 4)
  const removeB = add('b')
  deliver('e', 5)
  expect(subscriptions.status('t') !== undefined).toBe(true)
  removeA()
  removeA()
  deliver('e', 6)
  removeB()
  deliver('e', 7)
  await Promise.resolve()
  expect(told()).toEqual(['subscribe t now', 'a 5', 'b 5', 'b 6', 'unsubscribe t'])
  expect(subscriptions.status('t') !== undefined).toBe(false)
})

test('a handler that is added in the same turn as the last one was removed continues the subscription without a frame', async () => {
  const { add, answered, deliver, told } = createBench()
  const remove = add('a')
  answered('e', 4)
  deliver('e', 5)
  remove()
  const again = add('b')
  await Promise.resolve()
  deliver('e', 6)
  again()
  const last = add('c')
  last()
  await Promise.resolve()
  expect(told()).toEqual(['subscribe t now', 'a 5', 'b 6', 'unsubscribe t'])
})

test('a handler that leaves a refused topic and subscribes it again asks the server once, and does not loop', async () => {
  const { subscriptions, told } = createBench()
  let tries = 0
  const attempt = () => {
    const leave = subscriptions.add(
      't',
      () => {},
      (status) => {
        if (typeof status !== 'object' || ++tries >= 100) return
        leave()
        attempt()
      },
    )
  }
  attempt()
  subscriptions.refused('t', new LiveSocketError('refused', 'not now', { topic: 't', retryAfter: 1_000 }))
  await new Promise(setImmediate)
  expect([tries, told()]).toEqual([1, ['subscribe t now', 'unsubscribe t', 'subscribe t now']])
})

test('a handler from an earlier position makes the topic go back, and the others receive nothing twice', () => {
  const { add, answered, deliver, told } = createBench()
  add('a')
  answered('e', 4)
  deliver('e', 5, 6)
  add('b', e(4))
  answered('e', 7)
  deliver('e', 5, 6, 7)
  expect(told()).toEqual(['subscribe t now', 'a 5', 'a 6', 'subscribe t e:4', 'b 5', 'b 6', 'a 7', 'b 7'])
})

test('messages that others had as a gap are not delivered to them when the topic goes back over them', () => {
  const { add, answered, deliver, told, goTo } = createBench()
  add('a')
  answered('e', 4)
  goTo(e(7))
  add('b', e(5))
  deliver('e', 6, 7, 8)
  expect(told()).toEqual(['subscribe t now', 'subscribe t e:5', 'b 6', 'b 7', 'a 8', 'b 8'])
})

test('a subscription from an earlier position, made within a handler, does not cost the next handlers the current message', () => {
  const { add, answered, deliver, told } = createBench()
  let comes = true
  add('a', undefined, () => {
    if (comes) add('c', e(3))
    comes = false
  })
  add('b')
  answered('e', 5)
  deliver('e', 6)
  answered('e', 6)
  deliver('e', 4, 5, 6, 7)
  expect(told()).toEqual([
    'subscribe t now',
    'a 6',
    'subscribe t e:3',
    'b 6',
    ...['c 4', 'c 5', 'c 6'],
    ...['a 7', 'b 7', 'c 7'],
  ])
})

test('a subscriber of the last few messages gets them, even if another one subscribes before they arrive', () => {
  const { add, answered, deliver, goTo, told } = createBench()
  add('a')
  answered('e', 9)
  add('b', { last: 4 })
  // The leg answers the earlier request.
  goTo(e(9))
  answered('e', 9)
  add('c', { last: 3 })
  goTo(e(5))
  answered('e', 9)
  deliver('e', 6, 9, 10)
  expect(told().slice(3)).toEqual(['b 6', 'c 6', 'b 9', 'c 9', 'a 10', 'b 10', 'c 10'])
})

test('a handler from a position ahead of the topic receives only what is after its own position', () => {
  const { add, answered, deliver, told } = createBench()
  add('a', e(1))
  answered('e', 9)
  add('b', e(3))
  deliver('e', 2, 3, 4)
  expect(told()).toEqual(['subscribe t e:1', 'a 2', 'a 3', 'a 4', 'b 4'])
})

test('a handler without a position does not receive what is replayed for another one', () => {
  const { add, answered, deliver, told } = createBench()
  // Before any leg has answered, 'now' is the head that the leg will name; later it is the topic's position.
  add('a', e(1))
  add('b')
  answered('e', 3)
  deliver('e', 2, 3, 4)
  add('c', e(1))
  add('d')
  answered('e', 5)
  deliver('e', 2, 3, 4, 5)
  expect(told()).toEqual([
    'subscribe t e:1',
    'a 2',
    'a 3',
    'a 4',
    'b 4',
    'subscribe t e:1',
    'c 2',
    'c 3',
    'c 4',
    'a 5',
    'b 5',
    'c 5',
    'd 5',
  ])
})

test('under a new epoch every handler receives all messages of that epoch', () => {
  const { add, answered, deliver, told } = createBench()
  add('a', e(7))
  answered('e', 9)
  deliver('e', 8)
  deliver('f', 1, 2)
  add('b')
  deliver('f', 3)
  expect(told()).toEqual(['subscribe t e:7', 'a 8', 'a 1', 'a 2', 'a 3', 'b 3'])
})

test('a position of another epoch also makes the topic go back, and handlers of the current epoch receive nothing twice', () => {
  const { add, answered, deliver, told, goTo } = createBench()
  add('a')
  answered('f', 0)
  deliver('f', 1, 2)
  add('b', e(7))
  add('c')
  goTo({ epoch: 'f', offset: 0 })
  answered('f', 2)
  deliver('f', 1, 2, 3)
  expect(told()).toEqual(['subscribe t now', 'a 1', 'a 2', 'subscribe t e:7', 'b 1', 'b 2', 'a 3', 'b 3', 'c 3'])
})

test('a handler that throws is reported, does not get the message again, and does not stop the others', () => {
  const { add, answered, deliver, told } = createBench()
  add('a', undefined, () => {
    throw new Error('no')
  })
  add('b')
  answered('e', 0)
  deliver('e', 1)
  deliver('e', 1)
  expect(told()).toEqual(['subscribe t now', 'a 1', 'threw t Error: no', 'b 1'])
})

test.each([true, false])(
  'a handler that another one removes receives nothing more, and one that is added there begins after that message (head known: %s)',
  (known) => {
    const { add, answered, deliver, told } = createBench()
    let once = false
    add('a', undefined, () => {
      if (once) return
      once = true
      removeB()
      add('c')
    })
    const removeB = add('b')
    if (known) answered('e', 0)
    deliver('e', 1, 2)
    expect(told()).toEqual(['subscribe t now', 'a 1', 'a 2', 'c 2'])
  },
)

test('while a message is delivered, the position of a handler that has not had it yet is the one before it', () => {
  const { subscriptions, add, answered, deliver } = createBench()
  const places: unknown[] = []
  add('a', undefined, () => places.push(one.position()))
  const one = subscriptions.add('t', () => void places.push(one.position()))
  answered('e', 4)
  deliver('e', 5)
  places.push(one.position())
  expect(places).toEqual([e(4), e(5), e(5)])
})

test('the same function added twice is two subscriptions', () => {
  const { subscriptions, answered, deliver } = createBench()
  const calls: number[] = []
  const handler = (_data: unknown, { offset }: MessageInfo) => void calls.push(offset)
  const remove = subscriptions.add('t', handler)
  subscriptions.add('t', handler)
  answered('e', 0)
  deliver('e', 1)
  remove()
  deliver('e', 2)
  expect(calls).toEqual([1, 1, 2])
})

test('in a new session every handler begins again, from its own position or from the head', () => {
  const { subscriptions, add, answered, deliver, told, goTo } = createBench()
  add('a')
  add('b', e(5))
  add('c', e(3))
  answered('e', 5)
  deliver('e', 4, 5, 6)
  told()
  subscriptions.restart()
  expect(told()).toEqual(['subscribe t e:5', 'subscribe t e:3'])
  goTo(e(3))
  answered('e', 7)
  deliver('e', 4, 5, 6, 7, 8)
  expect(told()).toEqual(['c 4', 'c 5', 'b 6', 'c 6', 'b 7', 'c 7', 'a 8', 'b 8', 'c 8'])
})

test('while handlers are added, removed and added back at random, each receives what is after its position, once and in order', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = seededRandom(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    let head = 5
    let present: Position | null = null
    const handlers: { told: number[]; after: number; remove: () => void }[] = []
    const subscriptions = createSubscriptions({
      merge: {
        position: () => present,
        subscribe: (_, from) => (present = from as Position | null),
        unsubscribe: () => (present = null),
      },
      threw: (error) => expect.fail(String(error)),
    })
    /** The leg answers, and brings everything from the position up to the head. */
    const catchUp = () => {
      if (!subscriptions.status('t')) return
      present ??= e(head)
      subscriptions.answered('t', e(head))
      while (present.offset < head) {
        present = e(present.offset + 1)
        subscriptions.deliver(null, { topic: 't', ...present, leg: 1, replayed: false })
      }
    }
    for (let step = 0; step < 40; step++) {
      const kind = below(4)
      if (kind === 0) {
        const told: number[] = []
        const after = random() < 0.5 ? undefined : below(head + 1)
        const remove = subscriptions.add(
          't',
          (_data, { offset }) => void told.push(offset),
          undefined,
          after === undefined ? undefined : e(after),
        )
        handlers.push({ told, after: after ?? head, remove })
      } else if (kind === 1 && handlers.length > 0) {
        const [{ told, after, remove }] = handlers.splice(below(handlers.length), 1) as [(typeof handlers)[0]]
        remove()
        expect(told, `seed ${seed}`).toEqual(told.map((_, i) => after + 1 + i))
      } else {
        if (kind === 2) {
          catchUp()
          head++
        }
        catchUp()
      }
    }
    catchUp()
    for (const { told, after } of handlers)
      expect(told, `seed ${seed}`).toEqual(Array.from({ length: head - after }, (_, i) => after + 1 + i))
  }
})

test('a refusal counts as handled if a handler with onError gets it or there are no handlers, not if only a status listener does', () => {
  const { subscriptions, add } = createBench()
  const refusal = () => new LiveSocketError('forbidden', 'not for you')
  const watch = () => undefined
  subscriptions.add('t', nobody, watch)
  expect(subscriptions.refused('t', refusal())).toBe(true)
  const remove = add('deaf')
  expect(subscriptions.refused('t', refusal())).toBe(false)
  subscriptions.add('t', () => undefined, watch)
  expect(subscriptions.refused('t', refusal())).toBe(true)
  remove()
})
