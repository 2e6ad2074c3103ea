import { describe, expect, test } from 'vitest'
import { createStepClock } from '../kit/step-clock.js'
import { at, createMergeBench } from './merge-bench.js'

/** Topic `t` on leg 1, which named the head 5 in epoch `e`. */
function live(options: Parameters<typeof createMergeBench>[0] = {}) {
  const bench = createMergeBench(options)
  bench.merge.subscribe('t', null)
  bench.welcome(1, { t: at('e:5') })
  expect(bench.told()).toEqual([])
  return bench
}

describe('client rule 4: answers', () => {
  test('an answer to an older subscribe is ignored, and so is every message before the answer to the newest', () => {
    const { bring, told, subscribed, merge } = live()
    merge.subscribe('t', { epoch: 'e', offset: 3 })
    merge.subscribe('t', { epoch: 'e', offset: 1 })
    expect(told()).toEqual(['s1 on 1: t e:3', 's2 on 1: t e:1'])
    subscribed(1, 's1', { t: at('e:5 after 3') })
    bring(1, 4, 5, 6, 2)
    expect(told()).toEqual([])
    subscribed(1, 's2', { t: at('e:6 after 1') })
    bring(1, 2, 3)
    expect(told()).toEqual(['t e:2 replayed', 't e:3 replayed'])
  })

  test('a topic that is unsubscribed and subscribed again is a new subscription: answers and messages of the earlier one are ignored', () => {
    const { bring, told, subscribed, merge } = live()
    merge.hello(2)
    merge.unsubscribe('t')
    merge.subscribe('t', null)
    expect(told()).toEqual(['unsubscribe 1: t', 's2 on 1: t now'])
    bring(1, 6)
    merge.ready(2, new Map([['t', at('e:6 after 5')]]), new Set())
    expect(told()).toEqual(['s3 on 2: t now'])
    subscribed(1, 's2', { t: at('e:7') })
    expect(merge.position('t')).toBeNull()
    subscribed(2, 's3', { t: at('e:8') })
    bring(2, 8, 9)
    expect(told()).toEqual(['t e:9'])
  })

  test('unsubscribing a topic that the new leg refused unsubscribes it on the old leg, too', () => {
    const { merge, told, welcome } = live()
    welcome(2, {}, ['t'])
    expect(told()).toEqual([])
    merge.unsubscribe('t')
    expect(told()).toEqual(['unsubscribe 2: t', 'unsubscribe 1: t'])
  })

  test('a topic that an `invalid` listener unsubscribes is not asked for again', () => {
    const { merge, told, subscribed, hooks, clock } = live()
    merge.subscribe('t', { epoch: 'e', offset: 3 })
    hooks.told = (line) => line.startsWith('invalid') && merge.unsubscribe('t')
    subscribed(1, 's1', { t: { epoch: 'e', offset: 5, after: 7 } })
    clock.advance(60_000)
    expect(told()).toEqual(['s1 on 1: t e:3', expect.stringContaining('invalid t'), 'unsubscribe 1: t'])
  })

  test('a topic in neither the answer nor an error is asked for again, first at once, then with backoff, until it is answered', () => {
    const { told, welcome, subscribed, merge, clock } = createMergeBench()
    merge.subscribe('t', null)
    welcome(1, {})
    subscribed(1, 's1', {})
    expect(told()).toEqual(['s1 on 1: t now', 's2 on 1: t now'])
    subscribed(1, 's2', {})
    clock.advance(999)
    expect(told()).toEqual([])
    clock.advance(1)
    subscribed(1, 's3', {})
    clock.advance(1_999)
    expect(told()).toEqual(['s3 on 1: t now'])
    expect(merge.caughtUp()).toBe(false)
    clock.advance(1)
    subscribed(1, 's4', { t: at('e:5') })
    expect(merge.caughtUp()).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test.each(['dead', 'old'])(
    'the backoff for a topic that one leg, which is %s now, left unanswered does not delay the next leg',
    (former) => {
      const { told, welcome, subscribed, merge, clock } = createMergeBench()
      merge.subscribe('t', null)
      welcome(1, {})
      subscribed(1, 's1', {})
      subscribed(1, 's2', {})
      told()
      expect(clock.pending).toBe(1)
      if (former === 'dead') merge.gone(1)
      welcome(2, {})
      subscribed(2, 's3', {})
      expect([told(), clock.pending]).toEqual([['s3 on 2: t now', 's4 on 2: t now'], 0])
    },
  )

  test('the timer for an unanswered topic ends when the topic is unsubscribed, or subscribed from another position', () => {
    const { told, welcome, subscribed, merge, clock } = createMergeBench()
    merge.subscribe('t', { epoch: 'e', offset: 3 })
    welcome(1, {})
    subscribed(1, 's1', {})
    subscribed(1, 's2', {})
    merge.subscribe('t', { epoch: 'e', offset: 2 })
    expect([told(), clock.pending]).toEqual([['s1 on 1: t e:3', 's2 on 1: t e:3', 's3 on 1: t e:2'], 0])
    for (const id of ['s3', 's4', 's5']) subscribed(1, id, {})
    merge.refused(1, 't', 500, 's5')
    expect(clock.pending).toBe(1)
    merge.unsubscribe('t')
    expect(clock.pending).toBe(0)
  })

  test('a second welcome of a leg changes nothing', () => {
    const { told, ready, bring, merge } = live()
    ready(1, { t: at('e:9') })
    bring(1, 6)
    expect([told(), merge.caughtUp()]).toEqual([['t e:6'], true])
  })

  test('a refused topic is not asked for on that leg again, and delays nothing; the next leg is asked', () => {
    const { told, welcome, merge, clock } = createMergeBench()
    merge.subscribe('t', null)
    merge.subscribe('u', null)
    welcome(1, { u: at('e:1') }, ['t'])
    expect(merge.caughtUp()).toBe(true)
    merge.refused(1, 'u', undefined)
    expect([told(), clock.pending, merge.caughtUp()]).toEqual([[], 0, true])
    // Other subscribers want it too, from other positions, and are refused as well.
    merge.subscribe('t', { last: 5 })
    merge.subscribe('u', { epoch: 'e', offset: 0 })
    expect([told(), clock.pending, merge.caughtUp()]).toEqual([[], 0, true])
    expect(welcome(2, { t: at('e:1'), u: at('e:1 after 0') })).toBe('t last 5, u e:0')
    merge.gone(2)
    expect(told()).toEqual([])
  })

  test('a topic that is refused and then unsubscribed is asked for again by the next subscriber', () => {
    const { told, welcome, merge } = createMergeBench()
    merge.subscribe('t', null)
    welcome(1, {}, ['t'])
    merge.unsubscribe('t')
    merge.subscribe('t', null)
    expect(told()).toEqual(['unsubscribe 1: t', 's2 on 1: t now'])
  })

  test('a topic that is refused with a retryAfter is asked for again after that time; an error for an older subscribe is ignored', () => {
    const { told, merge, clock } = live()
    merge.subscribe('t', { epoch: 'e', offset: 1 })
    merge.subscribe('t', { epoch: 'e', offset: 0 })
    merge.refused(1, 't', 3_000, 's1')
    clock.advance(5_000)
    expect(told()).toEqual(['s1 on 1: t e:1', 's2 on 1: t e:0'])
    merge.refused(1, 't', 3_000, 's2')
    clock.advance(2_999)
    expect(told()).toEqual([])
    clock.advance(1)
    expect(told()).toEqual(['s3 on 1: t e:0'])
  })
})

describe('client rule 4: what is held is bounded', () => {
  /** Leg 2 serves from 20 on; leg 1, which has every message, is silent. */
  function ahead(options: Parameters<typeof createMergeBench>[0]) {
    const bench = live(options)
    bench.welcome(2, { t: at('e:20') })
    return bench
  }

  test.each([
    ['number', { maxMessages: 3 }],
    ['bytes', { maxBytes: 3 * ('data 21'.length + 2) }],
  ])(
    'past the bound in %s, with no standby leg, held messages are dropped, and asked for again at once',
    (_, bound) => {
      const { bring, told, merge, subscribed } = ahead(bound)
      bring(2, 21, 22, 23)
      expect(told()).toEqual([])
      bring(2, 24)
      expect(told()).toEqual(['overflow', 's1 on 2: t e:5'])
      expect(merge.held).toEqual({ messages: 0, bytes: 0 })
      subscribed(2, 's1', { t: at('e:24 after 5') })
      bring(2, 6)
      expect(told()).toEqual(['t e:6 replayed'])
    },
  )

  test('a standby leg is dropped before any held message', () => {
    const { bring, told, merge } = ahead({ maxMessages: 1, standby: true })
    bring(2, 21, 22)
    expect(told()).toEqual(['overflow'])
    expect(merge.held.messages).toBe(2)
  })

  test('held messages that the active leg is going to bring anyway are dropped, and not asked for', () => {
    const { bring, told, welcome, merge } = live({ maxMessages: 1 })
    welcome(2, { t: at('e:8 after 5') })
    bring(1, 7, 8)
    expect([told(), merge.held.messages]).toEqual([[], 0])
    bring(2, 6, 7)
    expect(told()).toEqual(['t e:6 replayed', 't e:7 replayed'])
  })

  test('the bytes of nested data are estimated without recursion', () => {
    const { merge, told } = ahead({ maxBytes: 1_000 })
    let data: unknown = 'core'
    for (let depth = 0; depth < 100_000; depth++) data = depth % 2 ? [data] : { in: data }
    merge.message(2, { type: 'message', topic: 't', offset: 22, prev: 21, data, hasData: true })
    expect(told()).toEqual(['overflow', 's1 on 2: t e:5'])
  })

  test('held messages outlive their legs, and the next leg is asked from the position: gaps have only what no leg brought', () => {
    const { bring, told, merge, welcome } = ahead({})
    bring(2, 21)
    merge.gone(2)
    merge.gone(1)
    expect(welcome(3, { t: at('e:30') })).toBe('t e:5')
    expect(told()).toEqual(['t gap e 6..20 lost', 't e:21', 't gap e 22..30 trimmed'])
  })
})

describe('client rule 5: subscriptions that change in a handover', () => {
  test('a subscriber of the last few messages receives nothing before them, even if the old leg brings newer ones first', () => {
    const { told, merge, bring, welcome, subscribed } = live()
    welcome(2, { t: at('e:5') })
    merge.subscribe('t', { last: 3 })
    bring(1, 6)
    expect([told(), merge.caughtUp()]).toEqual([['s1 on 2: t e:2'], false])
    subscribed(2, 's1', { t: at('e:6 after 3') })
    bring(2, 4, 5, 6, 7)
    expect(told()).toEqual(['t e:4 replayed', 't e:5 replayed', 't e:6', 't e:7'])
    expect(merge.stats().gaps).toBe(0)
  })

  test('the last few messages are counted back from the position at which another subscriber begins', () => {
    const { told, merge, bring, welcome } = createMergeBench()
    merge.subscribe('t', { last: 3 })
    merge.subscribe('t', { epoch: 'e', offset: 8 })
    merge.subscribe('t', { last: 2 })
    expect(welcome(1, { t: at('e:9 after 6') })).toBe('t e:5')
    bring(1, 7)
    expect(told()).toEqual(['t e:7 replayed'])
  })

  test('a subscriber of the last few messages gets them from the old leg if the leg that was asked dies', () => {
    const { told, merge, bring, ready, subscribed } = live()
    merge.hello(2)
    merge.subscribe('t', { last: 3 })
    expect(told()).toEqual(['s1 on 1: t e:2'])
    ready(2, { t: at('e:5') })
    expect(told()).toEqual(['s2 on 2: t e:2'])
    subscribed(1, 's1', { t: at('e:5 after 2') })
    bring(1, 3, 4, 5, 6)
    merge.gone(2)
    for (const line of told()) if (line.startsWith('s')) subscribed(1, line.split(' ')[0]!, { t: at('e:6 after 2') })
    bring(1, 3, 4, 5, 6, 7)
    expect(told()).toEqual(['t e:3 replayed', 't e:4 replayed', 't e:5 replayed', 't e:6', 't e:7'])
  })

  test('a subscriber of the last few messages of a topic that no leg has served gets them from the old leg when it serves again', () => {
    const { told, merge, bring, welcome, ready, subscribed } = createMergeBench()
    welcome(1, {})
    merge.hello(2)
    merge.subscribe('t', { last: 3 })
    ready(2, {})
    subscribed(1, 's1', { t: at('e:5 after 2') })
    bring(1, 3, 4, 5)
    expect(told()).toEqual(['s1 on 1: t last 3', 's2 on 2: t last 3'])
    merge.gone(2)
    for (const line of told()) if (line.startsWith('s')) subscribed(1, line.split(' ')[0]!, { t: at('e:5 after 2') })
    bring(1, 3, 4, 5, 6)
    expect(told()).toEqual(['t e:3 replayed', 't e:4 replayed', 't e:5 replayed', 't e:6'])
  })

  test('a subscriber of the last few messages that comes during the answer for another topic gets them, not that answer', () => {
    const turns: (() => void)[] = []
    const clock = Object.assign(createStepClock(), { turn: (task: () => void) => void turns.push(task) })
    const { told, merge, bring, subscribed, welcome, hooks } = createMergeBench({ clock })
    merge.subscribe('u', null)
    merge.subscribe('t', null)
    turns.shift()!()
    welcome(1, {})
    expect(told()).toEqual(['s1 on 1: u now, t now'])
    hooks.answered = (topic) => topic === 'u' && merge.subscribe('t', { last: 3 })
    subscribed(1, 's1', { u: at('e:1'), t: at('e:5') })
    turns.shift()?.()
    expect(told()).toEqual(['s2 on 1: t e:2'])
    subscribed(1, 's2', { t: at('e:5 after 2') })
    bring(1, 3, 4, 5, 6)
    expect(told()).toEqual(['t e:3 replayed', 't e:4 replayed', 't e:5 replayed', 't e:6'])
  })

  test('the new leg gets the subscriptions that changed since its hello', () => {
    const { told, merge } = live()
    merge.subscribe('u', null)
    merge.hello(2)
    told()
    merge.unsubscribe('u')
    merge.subscribe('v', { epoch: 'e', offset: 3 })
    merge.subscribe('t', { epoch: 'e', offset: 2 })
    expect(told()).toEqual(['unsubscribe 1: u', 's3 on 1: v e:3', 's4 on 1: t e:2'])
    merge.ready(2, new Map(['t', 'u'].map((topic) => [topic, at('e:5')])), new Set())
    expect(told()).toEqual(['unsubscribe 2: u', 's5 on 2: t e:2, v e:3'])
  })

  test('unsubscribe goes to every ready leg', () => {
    const { told, merge, welcome } = live()
    welcome(2, { t: at('e:5') })
    merge.hello(3)
    merge.unsubscribe('t')
    expect(told()).toEqual(['unsubscribe 2: t', 'unsubscribe 1: t'])
  })

  test('an old leg that serves again gets only the subscriptions that changed since it served', () => {
    const { told, merge, welcome, bring } = live()
    merge.subscribe('u', { epoch: 'e', offset: 0 })
    merge.subscribed(1, 's1', new Map([['u', at('e:5')]]))
    welcome(2, { t: at('e:5'), u: at('e:5') })
    merge.subscribe('v', null)
    merge.subscribe('t', { epoch: 'e', offset: 1 })
    told()
    merge.gone(2)
    expect(told()).toEqual(['s4 on 1: t e:1, v now'])
    bring(1, 6)
    expect(told()).toEqual([])
  })

  test('a topic that only the old leg answered begins when that leg serves again, with the messages that it brings from then on', () => {
    const { told, merge, ready, subscribed, bring } = createMergeBench()
    ready(1, {})
    merge.subscribe('t', null)
    ready(2, {})
    subscribed(1, 's1', { t: at('e:5') })
    bring(1, 6, 7)
    expect([told(), merge.position('t')]).toEqual([['s1 on 1: t now', 's2 on 2: t now'], null])
    merge.gone(2)
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 7 })
    bring(1, 8)
    expect(told()).toEqual(['t e:8'])
  })

  test('a leg that serves again reports its topics as served again, even one that the other leg refused', () => {
    const { merge, hooks, welcome, ready, subscribed } = createMergeBench()
    const answered: string[] = []
    hooks.answered = (topic) => answered.push(topic)
    merge.subscribe('t', null)
    welcome(1, { t: at('e:5') })
    merge.hello(2)
    merge.subscribe('u', null)
    ready(2, {})
    merge.refused(2, 't', undefined)
    subscribed(1, 's1', { u: at('e:1') })
    expect(answered).toEqual(['t'])
    merge.gone(2)
    expect(answered).toEqual(['t', 't', 'u'])
    expect(merge.position('u')).toEqual({ epoch: 'e', offset: 1 })
  })

  test('the client does not wait for an old leg that is already past the position that a topic went back to', () => {
    const { told, merge, welcome, bring, subscribed } = live()
    bring(1, 6, 7)
    welcome(2, { t: at('e:7') })
    merge.subscribe('t', { epoch: 'e', offset: 5 })
    subscribed(2, 's1', { t: at('e:7') })
    // If the old leg covered the topic, the merge would have waited for it here.
    expect(told()).toEqual(['t e:6', 't e:7', 's1 on 2: t e:5', 't gap e 6..7 trimmed'])
  })
})

describe('going back', () => {
  test('an answer for an earlier request makes no gap after a handler has gone back to another position', () => {
    const { told, hooks, merge, welcome, bring } = createMergeBench()
    merge.subscribe('t', { epoch: 'e', offset: 0 })
    welcome(1, { t: at('e:9 after 5') })
    hooks.told = (line) => line === 't e:6 replayed' && merge.subscribe('t', { epoch: 'e', offset: 2 })
    bring(1, 6)
    expect(told()).toEqual(['t gap e 1..5 trimmed', 't e:6 replayed', 's1 on 1: t e:2'])
  })

  test('a position at or above the present one changes nothing', () => {
    const { told, merge } = live()
    merge.subscribe('t', { epoch: 'e', offset: 5 })
    merge.subscribe('t', { epoch: 'e', offset: 9 })
    merge.subscribe('t', null)
    expect(told()).toEqual([])
    expect(merge.position('t')).toEqual({ epoch: 'e', offset: 5 })
  })
})

describe('client rule 6: caught up', () => {
  test('when every position has reached the head that the new leg named, and nothing is unanswered', () => {
    const { merge, welcome, bring, subscribed } = live()
    expect(merge.caughtUp()).toBe(true)
    merge.subscribe('u', null)
    expect(merge.caughtUp()).toBe(false)
    subscribed(1, 's1', { u: at('e:0') })
    welcome(2, { t: at('e:7 after 5'), u: at('e:0') })
    bring(2, 6)
    expect(merge.caughtUp()).toBe(false)
    bring(1, 6, 7)
    expect(merge.caughtUp()).toBe(true)
    merge.gone(2)
    merge.gone(1)
    expect(merge.caughtUp()).toBe(false)
  })

  test('a stopped merge has no timer, holds no message and delivers nothing', () => {
    const { merge, welcome, bring, clock, told } = live()
    welcome(2, { t: at('e:9') })
    bring(2, 10)
    expect(clock.pending).toBe(1)
    merge.stop()
    bring(2, 6)
    clock.advance(1_000)
    expect([clock.pending, merge.held, told()]).toEqual([0, { messages: 0, bytes: 0 }, []])
  })
})
