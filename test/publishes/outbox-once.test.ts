import { describe, expect, it } from 'vitest'
import { setUp } from './outbox-kit.js'

describe('at a server that applies every copy of a publish', () => {
  it('sends each publish once, and settles the unanswered ones of a leg that is gone as outcome-unknown', async () => {
    const { publish, outbox, outcome, sent } = setUp({ dedupes: false })
    outbox.ready(1)
    publish('a')
    outbox.gone(1)
    publish('b')
    outbox.ready(2)
    expect([await outcome('a'), sent()]).toEqual(['outcome-unknown', ['1:a', '2:b']])
  })

  it('takes the answer of the old leg, and holds the next publish back for settleTimeout at most', async () => {
    const { publish, outbox, outcome, sent, clock } = setUp({ dedupes: false })
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    publish('b')
    expect([sent(), outbox.settled(1)]).toEqual([['1:a'], false])
    await clock.advance(1_000)
    expect([sent(), outbox.settled(1)]).toEqual([['2:b'], false])
    outbox.acked('p1')
    expect([await outcome('a'), outbox.settled(1)]).toEqual([{ id: 'p1' }, true])
    outbox.gone(1)
    expect(sent()).toEqual([])
  })

  it('settles a publish without an answer as outcome-unknown after ackTimeout, on either leg, and calls no leg suspect', async () => {
    const { publish, outbox, outcome, overdue, clock } = setUp({ dedupes: false })
    outbox.ready(1)
    publish('a')
    outbox.ready(2)
    publish('b', undefined, 'another')
    await clock.advance(9_999)
    expect(outbox.size.messages).toBe(2)
    await clock.advance(1)
    expect([await outcome('a'), await outcome('b'), overdue, outbox.settled(1)]).toEqual([
      'outcome-unknown',
      'outcome-unknown',
      [],
      true,
    ])
  })

  it('does not prolong the overlap for a publish whose ttl has ended', async () => {
    const { publish, outbox, outcome, clock, handlers } = setUp({ dedupes: false })
    let settled = 0
    Object.assign(handlers, { settled: () => void settled++ })
    outbox.ready(1)
    publish('a', { ttl: 3_000 })
    outbox.ready(2)
    await clock.advance(2_999)
    expect([settled, outbox.settled(1)]).toEqual([1, false])
    await clock.advance(1)
    expect([await outcome('a'), settled, outbox.settled(1)]).toEqual(['outcome-unknown', 2, true])
  })

  it('sends a publish that never left on the next leg', async () => {
    const { publish, outbox, sent, sendable } = setUp({ dedupes: false })
    outbox.ready(1)
    sendable(false)
    publish('a')
    outbox.gone(1)
    sendable(true)
    outbox.ready(2)
    expect(sent()).toEqual(['2:a'])
  })
})
