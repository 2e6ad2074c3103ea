import { describe, expect, it } from 'vitest'
import { setUp } from './outbox-kit.js'

describe('client rule 5: publishes keep their order across a handover', () => {
  it('newer publishes wait until the old leg has answered the earlier ones', () => {
    const { publish, outbox, sent } = setUp()
    outbox.ready(1)
    publish('a')
    publish('b')
    outbox.ready(2)
    publish('c')
    expect(sent()).toEqual(['1:a', '1:b'])
    expect([outbox.settled(1), outbox.settled(2)]).toEqual([false, true])
    outbox.acked('p2')
    expect([sent(), outbox.settled(1)]).toEqual([[], false])
    outbox.acked('p1')
    expect([sent(), outbox.settled(1), outbox.settled(2)]).toEqual([['2:c'], true, false])
  })

  it('publishes that are unanswered when the wait ends are sent on the new leg, with the same id and number and their age, before newer ones', async () => {
    const { publish, outbox, frames, clock } = setUp()
    outbox.ready(1)
    publish('a')
    await clock.advance(300)
    publish('b')
    outbox.ready(2)
    publish('c')
    frames()
    await clock.advance(999)
    expect(frames()).toEqual([])
    await clock.advance(1)
    expect(frames()).toEqual([
      { type: 'publish', id: 'p1', topic: 'room', n: 1, data: 'a', age: 1_300 },
      { type: 'publish', id: 'p2', topic: 'room', n: 2, data: 'b', age: 1_000 },
      { type: 'publish', id: 'p3', topic: 'room', n: 3, data: 'c' },
    ])
    expect(outbox.settled(1)).toBe(true)
  })

  it('the old leg’s end ends the wait at once', () => {
    const { publish, outbox, sent, clock } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    publish('b')
    outbox.gone(1)
    expect(sent()).toEqual(['1:a', '2:a+0', '2:b'])
    expect(clock.pending).toBe(1)
  })

  it('an answer from either leg settles a publish, once', async () => {
    const { publish, outbox, outcome, clock, sent } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    await clock.advance(1_000)
    expect(sent()).toEqual(['1:a', '2:a+1000'])
    outbox.acked('p1', 4)
    outbox.acked('p1', 4)
    outbox.nacked('p1', 'refused', '')
    expect(await outcome('a')).toEqual({ id: 'p1', offset: 4 })
    expect(outbox.settled(2)).toBe(true)
  })

  it('a reconnection sends every unanswered publish again, in order and before newer ones', async () => {
    const { publish, outbox, sent, clock } = setUp()
    outbox.ready(1)
    for (const name of ['a', 'b', 'c']) publish(name)
    outbox.acked('p2')
    outbox.gone(1)
    publish('d')
    await clock.advance(5_000)
    outbox.ready(2)
    expect(sent()).toEqual(['1:a', '1:b', '1:c', '2:a+5000', '2:c+5000', '2:d'])
  })

  it('an age counts sleep, and a clock that was set back does not shorten it', async () => {
    const { publish, outbox, frames, clock } = setUp()
    outbox.ready(1)
    publish('a')
    clock.sleep(60_000)
    outbox.gone(1)
    outbox.ready(2)
    expect(frames().map(({ age }) => age)).toEqual([undefined, 60_000])
    clock.setWall(0)
    await clock.advance(2_000)
    outbox.gone(2)
    outbox.ready(3)
    expect(frames().map(({ age }) => age)).toEqual([2_000])
  })

  it('if the new leg dies, the old one gets the waiting publishes, and its unanswered ones are not sent again', async () => {
    const { publish, outbox, sent, clock, outcome } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    publish('b')
    outbox.gone(2)
    expect(sent()).toEqual(['1:a', '1:b'])
    await clock.advance(5_000)
    expect([sent(), outbox.settled(1)]).toEqual([[], false])
    outbox.acked('p1')
    outbox.acked('p2')
    expect(await outcome('b')).toEqual({ id: 'p2' })
  })

  it('publishes that were sent on a new leg that dies are sent again on the old one', async () => {
    const { publish, outbox, sent, clock } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    await clock.advance(1_000)
    publish('b')
    outbox.gone(2)
    expect(sent()).toEqual(['1:a', '2:a+1000', '2:b', '1:a+1000', '1:b+0'])
  })

  it('after two handovers in a row a publish waits for the answers of both earlier legs', async () => {
    const { publish, outbox, sent, clock } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    await clock.advance(1_000)
    publish('b')
    outbox.gone(1)
    outbox.ready(3)
    publish('c')
    outbox.acked('p1')
    expect(sent()).toEqual(['1:a', '2:a+1000', '2:b'])
    outbox.acked('p2')
    expect(sent()).toEqual(['3:c'])
  })

  it('a publish that is nacked with retryAfter is refused, and newer ones do not wait for it', async () => {
    const { publish, outbox, sent, outcome } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    publish('b')
    outbox.nacked('p1', 'busy', 'later', 100)
    expect([sent(), await outcome('a')]).toEqual([['1:a', '2:b'], 'refused'])
  })

  it('a nack with retryAfter for one copy does not settle a publish while another copy may still be applied', async () => {
    const { publish, outbox, outcome, clock } = setUp()
    outbox.ready(1)
    publish('decided by the new leg')
    outbox.ready(2)
    await clock.advance(1_000)
    outbox.nacked('p1', 'busy', 'later', 100, 1)
    expect(await outcome('decided by the new leg')).toBeUndefined()
    outbox.acked('p1', 7)
    expect(await outcome('decided by the new leg')).toEqual({ id: 'p1', offset: 7 })
    outbox.gone(1)
    publish('first copy lost')
    outbox.gone(2)
    outbox.ready(3)
    outbox.nacked('p2', 'busy', 'later', 100, 3)
    expect(await outcome('first copy lost')).toBe('outcome-unknown')
    publish('both refused')
    outbox.ready(4)
    await clock.advance(1_000)
    outbox.nacked('p3', 'busy', 'later', 100, 3)
    outbox.nacked('p3', 'busy', 'later', 100, 4)
    expect(await outcome('both refused')).toBe('refused')
  })

  it('only publishes into the same topic wait for the answers of the old leg', async () => {
    const { publish, outbox, sent, clock } = setUp()
    outbox.ready(1)
    publish('slow', undefined, 'orders')
    publish('fast', undefined, 'chat')
    outbox.ready(2)
    publish('behind it', undefined, 'orders')
    publish('elsewhere', undefined, 'typing')
    publish('also waits', undefined, 'chat')
    expect(sent()).toEqual(['1:slow', '1:fast', '2:elsewhere'])
    outbox.acked('p2')
    expect([sent(), outbox.settled(1)]).toEqual([['2:also waits'], false])
    await clock.advance(1_000)
    expect(sent()).toEqual(['2:slow+1000', '2:behind it'])
  })

  it('the number of a publish rises in its topic, and is the same on every leg', () => {
    const { publish, outbox, frames } = setUp()
    for (const [name, topic] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'one'],
    ])
      publish(name, undefined, topic)
    outbox.ready(1)
    const first = frames().map(({ n }) => n!)
    outbox.gone(1)
    outbox.ready(2)
    expect(frames().map(({ n }) => n)).toEqual(first)
    expect(first[2]).toBeGreaterThan(first[0]!)
    expect(first.every((n) => n >= 1)).toBe(true)
  })

  it.each(['out-of-order', 'outcome-unknown'])(
    'a nack of %s for a late first copy does not settle a publish that was sent again',
    async (code) => {
      const { publish, outbox, outcome, clock } = setUp()
      outbox.ready(1)
      publish('a')
      outbox.ready(2)
      await clock.advance(1_000)
      outbox.nacked('p1', code, 'late', undefined, 1)
      expect(await outcome('a')).toBeUndefined()
      outbox.acked('p1', 7)
      expect(await outcome('a')).toEqual({ id: 'p1', offset: 7 })
    },
  )

  it('a publish that the server calls out-of-order is refused', async () => {
    const { publish, outbox, outcome } = setUp()
    outbox.ready(1)
    publish('a')
    outbox.nacked('p1', 'out-of-order', 'a later one was decided', undefined, 1)
    expect(await outcome('a')).toBe('refused')
  })

  it('a publish whose ttl ended after it was sent still holds newer ones back, until the old leg answers or the wait ends', async () => {
    const { publish, outbox, sent, clock } = setUp()
    const controller = new AbortController()
    for (const answer of [true, false]) {
      outbox.ready(answer ? 1 : 3)
      publish('a', { signal: AbortSignal.any([controller.signal]), ttl: 10 })
      await clock.advance(10)
      outbox.ready(answer ? 2 : 4)
      publish('b')
      expect([sent(), outbox.settled(answer ? 1 : 3)]).toEqual([[answer ? '1:a' : '3:a'], false])
      if (answer) outbox.acked('p1')
      else await clock.advance(1_000)
      expect([sent(), outbox.settled(answer ? 1 : 3)]).toEqual([[answer ? '2:b' : '4:b'], true])
      outbox.acked('p2')
      outbox.gone(1)
    }
  })

  it('a publish that was sent is outcome-unknown, not too-large, if only the next server refuses frames of its size', async () => {
    const { publish, outbox, sent, outcome } = setUp()
    const large = 'x'.repeat(200)
    outbox.ready(1, 1_000)
    publish(large)
    outbox.gone(1)
    publish('small')
    outbox.ready(2, 100)
    expect([await outcome(large), sent()]).toEqual(['outcome-unknown', [`1:${large}`, '2:small']])
  })

  it('the age counts towards the frame’s size', async () => {
    const { publish, outbox, outcome } = setUp()
    outbox.ready(1, 68)
    publish('a')
    expect(outbox.size.bytes).toBe(60)
    outbox.gone(1)
    outbox.ready(2, 68)
    expect(await outcome('a')).toBeUndefined()
    outbox.gone(2)
    outbox.ready(3, 67)
    expect(await outcome('a')).toBe('outcome-unknown')
  })
})

describe('a leg that answers nothing', () => {
  it('is suspect when the oldest unanswered publish has waited ackTimeout, and again after twice that time; the publish stays open', async () => {
    const { publish, outbox, overdue, outcome, clock } = setUp()
    outbox.ready(1)
    publish('a')
    await clock.advance(5_000)
    publish('b')
    await clock.advance(65_000)
    expect(overdue).toEqual([
      [1, 10_000],
      [1, 30_000],
      [1, 70_000],
    ])
    outbox.acked('p1')
    outbox.acked('p2', 3)
    expect(await outcome('b')).toEqual({ id: 'p2', offset: 3 })
    expect(clock.pending).toBe(0)
  })

  it('is judged by the next oldest publish with a wait of its own, and that publish gets twice the wait on the next leg', async () => {
    const { publish, outbox, overdue, clock } = setUp()
    outbox.ready(1)
    publish('a')
    await clock.advance(10_000)
    publish('b')
    await clock.advance(1_000)
    outbox.acked('p1')
    await clock.advance(9_000)
    expect(overdue).toEqual([
      [1, 10_000],
      [1, 20_000],
    ])
    outbox.gone(1)
    outbox.ready(2)
    await clock.advance(19_999)
    expect(overdue).toHaveLength(2)
    await clock.advance(1)
    expect(overdue[2]).toEqual([2, 40_000])
  })

  it('is not suspect as the old leg, for which settleTimeout holds', async () => {
    const { publish, outbox, overdue, clock } = setUp({ settleTimeout: 60_000 })
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    await clock.advance(30_000)
    expect(overdue).toEqual([])
  })
})
