import { describe, expect, test } from 'vitest'
import { at, createMergeBench } from './merge-bench.js'

/** Topic `t` on leg 1, served up to 5 in epoch `e`, and then leg 2, whose answer is `answer`. */
function moved(answer: string, options: Parameters<typeof createMergeBench>[0] = {}) {
  const bench = createMergeBench(options)
  bench.merge.subscribe('t', null)
  bench.welcome(1, { t: at('e:4') })
  bench.bring(1, 5)
  bench.welcome(2, { t: at(answer) })
  const [first, ...rest] = bench.told()
  expect(first).toBe('t e:5')
  return { ...bench, cutover: rest }
}

describe('client rule 4: both legs feed one sequence', () => {
  test('a message is delivered once and in order, whichever leg brings it first', () => {
    const { bring, told, merge } = moved('e:7 after 5')
    bring(2, 6)
    bring(1, 6, 7, 8)
    bring(2, 7, 8, 9)
    expect(told()).toEqual(['t e:6 replayed', 't e:7', 't e:8', 't e:9'])
    expect(merge.stats()).toEqual({ duplicates: 3, held: 0, gaps: 0 })
  })

  test('a message that comes too early is held until the other leg has brought the messages before it', () => {
    const { bring, told, merge } = moved('e:8')
    bring(2, 10, 9)
    expect(told()).toEqual([])
    expect(merge.held.messages).toBe(2)
    bring(1, 6, 7, 8)
    expect(told()).toEqual(['t e:6', 't e:7', 't e:8', 't e:9', 't e:10'])
    expect(merge.held).toEqual({ messages: 0, bytes: 0 })
    expect(merge.stats()).toEqual({ duplicates: 0, held: 2, gaps: 0 })
  })

  test('a message without data only advances the position', () => {
    const { bring, told, merge } = moved('e:5')
    bring(2, '5>8 hidden')
    expect(told()).toEqual([])
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 8 })
    bring(2, '8>9')
    expect(told()).toEqual(['t e:9'])
  })

  // 7 and 8 are hidden: one leg mentions 8, the other one neither. One leg's `prev` names 11, which is missing.
  test.each([
    [['7>8 hidden', '6>10', '11>12']],
    [['6>10', '11>12', '7>8 hidden']],
    [['7>8 hidden', '11>12', '6>10']],
    [['11>12', '6>10', '6>10', '7>8 hidden', '6>8 hidden']],
  ])('hidden messages that one leg mentions do not block what the other leg brings past them: %j', (early) => {
    const { bring, told, merge } = moved('e:6')
    bring(2, ...early)
    expect(told()).toEqual([])
    bring(1, 6)
    expect(told()).toEqual(['t e:6', 't e:10'])
    expect(merge.held.messages).toBe(1)
  })

  test('a message under another epoch than the position is dropped', () => {
    const { bring, told, subscribed } = moved('e:5')
    subscribed(1, undefined, { t: at('f:0') })
    bring(1, 6, 7)
    expect(told()).toEqual([])
    bring(2, 6)
    expect(told()).toEqual(['t e:6'])
  })

  test('messages of a leg that has not named the topic, that is not ready or is gone are ignored', () => {
    const { bring, told, merge } = moved('e:5')
    merge.gone(1)
    bring(1, 6)
    merge.hello(3)
    bring(3, 6)
    expect(told()).toEqual([])
  })

  test('an offset that comes again with other data, on either leg, is a duplicate: the first message counts', () => {
    const { bring, told, merge } = moved('e:5')
    bring(2, 6)
    for (const leg of [1, 2])
      merge.message(leg, { type: 'message', topic: 't', offset: 6, prev: 5, data: 'other', hasData: true })
    bring(1, 7)
    expect(told()).toEqual(['t e:6', 't e:7'])
    expect(merge.stats()).toMatchObject({ duplicates: 2 })
  })

  test('an offset that is a billion ahead takes the room of one held message, and the topic is asked for again', () => {
    const { bring, told, merge, subscribed } = moved('e:5')
    merge.gone(1)
    bring(2, 1e9)
    expect([told(), merge.held.messages]).toEqual([['s1 on 2: t e:5'], 1])
    subscribed(2, 's1', { t: at('e:7 after 5') })
    bring(2, 6, 7)
    expect(told()).toEqual(['t e:6 replayed', 't e:7 replayed'])
  })

  test('thousands of topics that were never subscribed leave nothing behind', () => {
    const { told, merge, subscribed, bring } = moved('e:5')
    for (let n = 0; n < 10_000; n++) {
      const topic = `unasked ${n}`
      merge.message(2, { type: 'message', topic, offset: 9, prev: 8, data: 'x', hasData: true })
      subscribed(2, undefined, { [topic]: at('e:9') })
    }
    expect([told(), merge.held, merge.position('unasked 7')]).toEqual([[], { messages: 0, bytes: 0 }, null])
    bring(2, 6)
    expect(told()).toEqual(['t e:6'])
  })

  test('a message or an answer that contradicts itself is reported and changes nothing', () => {
    const { bring, told, subscribed, merge } = moved('e:5')
    bring(2, '6>6', '9>6')
    subscribed(2, undefined, { t: { epoch: 'f', offset: 3, after: 9 } })
    expect(told()).toHaveLength(3)
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 5 })
    bring(2, 6)
    expect(told()).toEqual(['t e:6'])
  })

  test('a handler may cause messages and change subscriptions: no message is delivered inside another, and none is missed', () => {
    const { bring, told, hooks, merge } = moved('e:5')
    let depth = 0
    hooks.told = (line) => {
      if (!line.startsWith('t e')) return
      expect(depth).toBe(0)
      depth++
      if (line === 't e:6') bring(2, 8, 7)
      if (line === 't e:7') merge.subscribe('u', null)
      if (line === 't e:8') merge.unsubscribe('t')
      depth--
    }
    bring(2, 6, 9)
    expect(told()).toEqual(['t e:6', 't e:7', 't e:8', 'unsubscribe 2: t', 'unsubscribe 1: t', 's1 on 2: u now'])
  })
})

describe('client rule 4: what the active leg does not cover', () => {
  test('the client waits for the old leg, and if that brings the missing messages there is no gap', () => {
    const { bring, told, clock, merge } = moved('e:8')
    bring(2, 9)
    clock.advance(249)
    bring(1, 6, 7, 8)
    expect(told()).toEqual(['t e:6', 't e:7', 't e:8', 't e:9'])
    expect(clock.pending).toBe(0)
    expect(merge.caughtUp()).toBe(true)
  })

  test('if the old leg brings nothing for the gap timeout, there is one gap with its bounds, and delivery goes on', () => {
    const { bring, told, clock } = moved('e:8')
    bring(2, 9)
    clock.advance(200)
    bring(1, 6)
    clock.advance(249)
    expect(told()).toEqual(['t e:6'])
    clock.advance(1)
    bring(1, 7, 8)
    bring(2, 10)
    expect(told()).toEqual(['t gap e 7..8 trimmed', 't e:9', 't e:10'])
  })

  test('when the old leg goes, the gap is reported at once', () => {
    const { told, merge, clock } = moved('e:8')
    merge.gone(1)
    expect(told()).toEqual(['t gap e 6..8 trimmed'])
    expect(clock.pending).toBe(0)
    expect(merge.caughtUp()).toBe(true)
  })

  test('the gap ends before the first message that is held', () => {
    const { bring, told, clock, merge } = moved('e:9')
    bring(1, '6>7')
    expect(told()).toEqual(['t gap e 6..6 lost', 't e:7'])
    clock.advance(250)
    expect(told()).toEqual(['t gap e 8..9 trimmed'])
    expect(merge.stats().gaps).toBe(2)
  })

  test('after an answer to a subscribe without a position the client asks from its own position, and reports no gap', () => {
    const { bring, told, ready, subscribed, merge } = createMergeBench()
    merge.subscribe('t', null)
    merge.hello(1)
    merge.hello(2)
    ready(1, { t: at('e:4') })
    bring(1, 5)
    ready(2, { t: at('e:9') })
    merge.gone(1)
    expect(told()).toEqual(['t e:5', 's1 on 2: t e:5'])
    expect(merge.caughtUp()).toBe(false)
    subscribed(2, 's1', { t: at('e:9 after 5') })
    bring(2, 6)
    expect(told()).toEqual(['t e:6 replayed'])
  })

  test('the client waits for the old leg once, and not again after the next answer of the active leg', () => {
    const { bring, told, ready, subscribed, merge, clock } = createMergeBench()
    merge.subscribe('t', null)
    merge.hello(1)
    merge.hello(2)
    ready(1, { t: at('e:4') })
    ready(2, { t: at('e:9') })
    clock.advance(249)
    expect(told()).toEqual([])
    clock.advance(1)
    expect(told()).toEqual(['s1 on 2: t e:4'])
    bring(1, 5)
    subscribed(2, 's1', { t: at('e:9') })
    expect(told()).toEqual(['t e:5', 't gap e 6..9 trimmed'])
  })

  test('an answer on the old leg makes no gap', () => {
    const { told, welcome, subscribed, merge } = moved('e:5')
    merge.subscribe('t', { epoch: 'e', offset: 2 })
    expect(told()).toEqual(['s1 on 2: t e:2'])
    merge.gone(1)
    welcome(3, { t: at('e:9 after 2') })
    subscribed(2, 's1', { t: at('e:9 after 7') })
    expect(told()).toEqual([])
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 2 })
  })

  test('a topic with a hole is asked for again from the position; if the same hole comes a third time, it is a gap', () => {
    const { bring, told, subscribed, merge } = moved('e:5')
    merge.gone(1)
    for (const id of ['s1', 's2']) {
      bring(2, 8)
      expect(told()).toEqual([`${id} on 2: t e:5`])
      subscribed(2, id, { t: at('e:8 after 5') })
    }
    bring(2, 8)
    expect(told()).toEqual(['t gap e 6..7 lost', 't e:8'])
    bring(2, 9)
    expect(told()).toEqual(['t e:9'])
  })

  test('every hole is asked for at once, as long as the topic advances in between', () => {
    const { bring, told, subscribed, merge } = moved('e:5')
    merge.gone(1)
    for (const [i, id] of ['s1', 's2', 's3', 's4'].entries()) {
      bring(2, 30 + 2 * i)
      expect(told()).toEqual([`${id} on 2: t e:${5 + i}`])
      subscribed(2, id, { t: at('e:20 after 5') })
      bring(2, 6 + i)
      expect(told()).toEqual([`t e:${6 + i} replayed`])
    }
  })

  test('the client waits for the old leg again when the active one has a later hole', () => {
    const { bring, told, clock } = moved('e:8')
    clock.advance(250)
    expect(told()).toEqual(['t gap e 6..8 trimmed'])
    bring(2, 9, 12)
    bring(1, 9, 10, 11)
    expect(told()).toEqual(['t e:9', 't e:10', 't e:11', 't e:12'])
  })

  test('a leg with a hole is complete again once the other leg has filled the hole', () => {
    const { bring, told, clock } = moved('e:5')
    bring(2, 8)
    bring(1, 6, 7)
    bring(2, 9)
    clock.advance(1_000)
    expect(told()).toEqual(['t e:6', 't e:7', 't e:8', 't e:9'])
  })
})

describe('client rule 4: epochs', () => {
  test('an answer to a position of the present epoch changes it: one gap with unknown bounds', () => {
    const { bring, told, cutover } = moved('f:3 after 0')
    expect(cutover).toEqual(['t gap f null..null epoch'])
    bring(2, 1)
    expect(told()).toEqual(['t f:1 replayed'])
  })

  test('an answer on the active leg that was not asked for changes it, too', () => {
    const { bring, told, subscribed } = moved('e:7')
    bring(2, 9)
    subscribed(2, undefined, { t: at('f:2 after 1') })
    bring(2, 2)
    expect(told()).toEqual(['t gap f null..null epoch', 't f:2 replayed'])
  })

  test('an answer that was not asked for does not change it while a subscribe of the topic is unanswered on that leg', () => {
    const { told, subscribed, merge } = moved('e:5')
    merge.subscribe('t', { epoch: 'e', offset: 1 })
    subscribed(2, undefined, { t: at('f:0') })
    expect(told()).toEqual(['s1 on 2: t e:1'])
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 1 })
    subscribed(2, 's1', { t: at('f:0') })
    expect(told()).toEqual(['t gap f null..null epoch'])
  })

  test('another epoch in the answer to a subscribe without a position does not change it: the client asks from its position', () => {
    const { told, ready, subscribed, merge } = createMergeBench()
    merge.subscribe('t', null)
    merge.hello(1)
    merge.hello(2)
    ready(1, { t: at('e:4') })
    ready(2, { t: at('f:9') })
    expect(told()).toEqual(['s1 on 2: t e:4'])
    subscribed(2, 's1', { t: at('f:9 after 6') })
    expect(told()).toEqual(['t gap f null..null epoch'])
    expect(merge.position('t')).toEqual({ epoch: 'f', offset: 6 })
  })

  test('the old leg never changes it; if it serves again under another epoch, it is asked first', () => {
    const { told, subscribed, merge } = moved('e:5')
    subscribed(1, undefined, { t: at('f:3 after 0') })
    expect(told()).toEqual([])
    merge.gone(2)
    expect(told()).toEqual(['s1 on 1: t e:5'])
  })

  test('a subscriber with a position of another epoch causes one gap, once a leg has said which epoch holds', () => {
    const asks = { epoch: 'f', offset: 2 }
    for (const [answer, gap] of [
      ['f:3 after 2', 't gap f null..null epoch'],
      ['e:6 after 0', 't gap e null..null epoch'],
    ] as const) {
      const { told, subscribed, merge, bring } = moved('e:5')
      merge.subscribe('t', asks)
      bring(2, 7)
      bring(1, 6)
      expect(told()).toEqual(['s1 on 2: t f:2'])
      subscribed(2, 's1', { t: at(answer) })
      expect(told()).toEqual([gap])
    }
  })
  test('after a subscriber brought another epoch, nothing of it is delivered until the active leg confirms it, and nothing of the old epoch afterwards', () => {
    const { told, subscribed, merge, bring } = moved('e:8')
    bring(2, '3>9')
    bring(2, 12)
    told()
    subscribed(1, undefined, { t: at('f:10 after 9') })
    merge.subscribe('t', { epoch: 'f', offset: 9 })
    expect(told()).toEqual(['s1 on 2: t e:9', 's2 on 2: t f:9'])
    bring(1, 10)
    expect(told()).toEqual([])
    subscribed(2, 's2', { t: at('f:10 after 9') })
    bring(2, 11)
    expect(told()).toEqual(['t gap f null..null epoch', 't f:10 replayed', 't f:11'])
  })
})
