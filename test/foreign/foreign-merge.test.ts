import { describe, expect, it } from 'vitest'
import { createForeignMerge, type ForeignMergeDeps } from '../../src/foreign/foreign-merge.js'
import type { MessageFrame } from '../../src/protocol/frames.js'
import { createStepClock } from '../kit/step-clock.js'

const none = new Set<string>()

function world(deps: Partial<ForeignMergeDeps>, heard: (data: unknown) => void = () => {}) {
  const clock = createStepClock()
  const told: string[] = []
  const fenced: number[] = []
  let ids = 0
  const merge = createForeignMerge(
    {
      clock,
      id: () => `id${++ids}`,
      strength: 'identity',
      end: 'fence',
      gapTimeout: 250,
      maxMessages: 100,
      maxBytes: 10_000,
      ...deps,
    },
    {
      deliver(data) {
        told.push(String(data))
        heard(data)
      },
      gap: ({ from, to, reason }) => told.push(`gap ${from}-${to} ${reason}`),
      subscribe: (leg, _id, topics) => told.push(`subscribe ${leg} ${[...topics.keys()]}`),
      unsubscribe: (leg, topics) => told.push(`unsubscribe ${leg} ${topics}`),
      send: (leg) => fenced.push(leg),
      overflow: () => false,
    },
  )
  const ready = (leg: number) => {
    merge.hello(leg)
    merge.ready(leg, new Map(), none)
    // The leg gets time to begin with its topics.
    if (leg === 1) clock.advance(500)
  }
  /** Messages by number: `7` has that offset and identity; one with `{ stream }` belongs to its own sequence. */
  const bring = (leg: number, ...messages: (number | Partial<MessageFrame>)[]) => {
    for (const message of messages) {
      const own = typeof message === 'number' ? { offset: message, data: message, identity: String(message) } : message
      const offset = own.offset ?? 1
      merge.message(leg, { type: 'message', topic: 't', prev: offset - 1, hasData: true, offset, ...own })
    }
  }
  merge.subscribe('t', null)
  return { merge, clock, told, fenced, ready, bring }
}

describe('if the server numbers nothing', () => {
  it('resumes the numbering of a topic that is left and subscribed again, so that new messages do not look old', () => {
    const { merge, ready, bring } = world({ strength: 'none' })
    ready(1)
    bring(1, { data: 'a' }, { data: 'b' })
    const before = merge.position('t')!
    merge.unsubscribe('t')
    merge.subscribe('t', null)
    bring(1, { data: 'c' })
    expect(merge.position('t')).toEqual({ epoch: before.epoch, offset: before.offset + 1 })
  })
})

describe('by identity', () => {
  it('delivers from the old leg until its end, and then what only the new leg has', () => {
    const { merge, told, fenced, ready, bring } = world({})
    ready(1)
    bring(1, 1, 2)
    ready(2)
    bring(2, 3, 4, 5)
    bring(1, 3, 4)
    expect(told).toEqual(['1', '2', '3', '4'])
    expect([fenced, merge.caughtUp()]).toEqual([[1], false])
    merge.drained(1)
    expect([told.slice(4), merge.caughtUp(), merge.stats().duplicates]).toEqual([['5'], true, 2])
  })

  it('keeps messages that a new leg brings before it is ready', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    merge.hello(2)
    bring(2, 2, 3)
    bring(1, 1, 2)
    merge.ready(2, new Map(), none)
    merge.drained(1)
    expect(told).toEqual(['1', '2', '3'])
  })

  it.each(['before it is ready', 'as the active one'])(
    'drops what a leg that died %s had brought: the old leg brings it itself',
    (when) => {
      const { told, ready, bring, merge } = world({})
      ready(1)
      merge.hello(2)
      bring(2, 2)
      if (when === 'as the active one') merge.ready(2, new Map(), none)
      merge.gone(2)
      bring(1, 1, 2)
      expect([told, merge.held.messages, merge.caughtUp()]).toEqual([['1', '2'], 0, true])
    },
  )

  it('delivers held messages when the old leg dies', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    ready(2)
    bring(2, 1, 2)
    merge.gone(1)
    expect(told).toEqual(['1', '2'])
  })

  it('reports a gap without bounds if more would be held than the limit, and continues', () => {
    const { told, ready, bring, merge } = world({ maxMessages: 2 })
    ready(1)
    ready(2)
    bring(2, 1, 2, 3)
    expect([told, merge.caughtUp()]).toEqual([['gap null-null lost', '1', '2', '3'], true])
  })

  it('drops what a server repeats after a break', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    bring(1, 1, 2)
    merge.gone(1)
    ready(2)
    bring(2, 1, 2, 3)
    expect(told).toEqual(['1', '2', '3'])
  })

  it('delivers everything that one leg brings, even with equal identities: an identity counts only between two legs', () => {
    const { told, ready, bring, merge } = world({})
    const about = (thing: string, data: string) => ({ identity: thing, data })
    ready(1)
    bring(1, about('acme', '101'), about('acme', '102'), about('acme', '103'))
    expect(told).toEqual(['101', '102', '103'])
    ready(2)
    for (const leg of [1, 2]) bring(leg, about('beta', '201'), about('beta', '202'))
    bring(2, about('beta', '203'))
    merge.drained(1)
    merge.gone(1)
    bring(2, about('beta', '204'))
    expect(told.slice(3)).toEqual(['201', '202', '203', '204'])
  })

  it.each([12_000, 60_000])('drops all of a re-send of %i messages', (many) => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    for (let number = 1; number <= many; number++) bring(1, number)
    merge.gone(1)
    ready(2)
    for (let number = 1; number <= many + 1; number++) bring(2, number)
    expect(told.length).toBe(many + 1)
  })

  it('repeats of a longer re-send only what it cannot remember', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    for (let number = 1; number <= 100_500; number++) bring(1, number)
    merge.gone(1)
    ready(2)
    for (let number = 1; number <= 100_500; number++) bring(2, number)
    expect(told.length).toBe(100_500 + 500)
  })

  it('drops what one leg brought while another leg is re-sending the same', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    bring(1, 1, 2, 3)
    merge.gone(1)
    ready(2)
    bring(2, 1)
    ready(3)
    bring(3, 1, 2, 3, 4)
    bring(2, 2, 3, 4, 5)
    merge.drained(2)
    bring(3, 5, 6)
    expect(told).toEqual(['1', '2', '3', '4', '5', '6'])
  })

  it('takes messages without an identity from the active leg only, and reports a gap in the topic', () => {
    const { told, ready, bring, merge } = world({})
    ready(1)
    bring(1, { data: 'a', identity: null }, 1)
    merge.hello(2)
    bring(2, { data: 'b', identity: null }, 2)
    bring(1, { data: 'b', identity: null }, 2)
    merge.ready(2, new Map(), none)
    bring(1, { data: 'c', identity: null })
    bring(2, { data: 'd', identity: null })
    expect(told).toEqual(['a', '1', 'b', '2', 'gap null-null lost', 'd'])
  })

  it('subscribes on an old leg that serves again what only the new leg was asked for', () => {
    const { merge, told, ready, bring } = world({})
    ready(1)
    ready(2)
    merge.subscribe('u', null)
    merge.gone(2)
    expect(told).toEqual(['subscribe 2 u', 'subscribe 1 u'])
    bring(1, { topic: 'u', identity: '1', data: 'u1' })
    expect(told.at(-1)).toBe('u1')
  })

  it.each([{}, { leastOverlap: 3_000 }, { end: 'match' as const }])(
    'with %o, waits for nothing in a topic that is subscribed during an overlap: the old leg does not have it',
    (deps) => {
      const { merge, told, ready, bring } = world(deps)
      const of = (number: number) => ({ topic: 'u', identity: String(number), data: `u${number}` })
      ready(1)
      merge.subscribe('u', null)
      bring(1, of(1))
      ready(2)
      merge.unsubscribe('u')
      merge.subscribe('u', null)
      bring(1, of(3))
      bring(2, of(2), of(3))
      expect(told.filter((one) => /^u\d/.test(one))).toEqual(['u1', 'u2', 'u3'])
    },
  )

  it('delivers nothing more after a sign-out in the handler of the first message that a leg brought before it was ready', () => {
    const { merge, told, ready, bring } = world({}, () => merge.stop())
    ready(1)
    merge.hello(2)
    bring(2, 1, 2)
    merge.gone(1)
    bring(2, 3)
    expect(told).toEqual(['1'])
  })

  it('delivers a topic’s initial state once, whichever leg of an overlap is the first to begin the topic', () => {
    const { merge, told, ready, bring } = world({})
    const state = (data: string) => ({ data, opening: true, identity: null })
    const both = (leg: number) => bring(leg, state(`a of ${leg}`), state(`b of ${leg}`))
    ready(1)
    merge.hello(2)
    merge.ready(2, new Map(), none)
    both(1)
    both(2)
    merge.gone(1)
    merge.gone(2)
    ready(3)
    merge.hello(4)
    both(4)
    merge.ready(4, new Map(), none)
    both(3)
    merge.gone(3)
    merge.gone(4)
    merge.hello(5)
    both(5)
    merge.ready(5, new Map(), none)
    ready(6)
    both(6)
    expect(told).toEqual([1, 4, 5].flatMap((leg) => [`a of ${leg}`, `b of ${leg}`]))
  })

  it('delivers the initial state of a leg only if no other leg serves', () => {
    const { told, ready, bring, merge } = world({})
    const state = (data: string) => ({ data, opening: true, identity: null })
    ready(1)
    bring(1, state('one'), 1)
    merge.hello(2)
    bring(2, state('two'))
    merge.ready(2, new Map(), none)
    merge.drained(1)
    merge.gone(1)
    merge.hello(3)
    bring(3, state('three'))
    merge.gone(2)
    merge.ready(3, new Map(), none)
    expect(told).toEqual(['one', '1', 'three'])
  })

  it('subscribes the topics again on an old leg that was left and serves again', () => {
    const { told, ready, bring, merge } = world({ leaves: true })
    ready(1)
    ready(2)
    merge.gone(2)
    bring(1, 1)
    expect(told).toEqual(['subscribe 1 t', '1'])
  })

  it('subscribes nothing again on an old leg that was not left yet: its topics would start over and lose what arrives meanwhile', () => {
    const { merge, told, ready } = world({ leaves: true, leastOverlap: 3_000 })
    ready(1)
    ready(2)
    merge.gone(2)
    expect(told).toEqual([])
  })

  it('bounds the remembered identities in number and in bytes, whatever a server uses as an identity', () => {
    const { told, ready, bring, merge } = world({})
    const huge = (number: number) => ({ data: number, identity: `${number}`.padEnd(500_000, 'x') })
    ready(1)
    for (let number = 1; number <= 10; number++) bring(1, huge(number))
    merge.gone(1)
    ready(2)
    bring(2, huge(10), huge(1))
    expect(told.slice(10)).toEqual(['1'])
  })

  it('delivers at once the answer to a request that was sent on one leg only, whichever it is', () => {
    const { told, ready, bring } = world({})
    ready(1)
    ready(2)
    bring(2, { data: 'new', alone: true })
    bring(1, { data: 'old', alone: true })
    expect(told).toEqual(['new', 'old'])
  })
})

describe('by identity, if nothing marks the end', () => {
  it('delivers from the old leg for as long as it brings what the new one brought', () => {
    const { told, ready, bring, merge } = world({ end: 'match' })
    const at = (stream: string, number: number) => ({ stream, identity: String(number), data: `${stream}${number}` })
    ready(1)
    bring(1, at('a', 1), at('b', 1))
    ready(2)
    bring(2, at('a', 3), at('a', 4))
    expect(told).toEqual(['a1', 'b1'])
    bring(1, at('a', 2), at('a', 3))
    expect(told.slice(2)).toEqual(['a2', 'a3'])
    bring(2, at('a', 5))
    bring(1, at('a', 4), at('b', 2), at('a', 5))
    bring(2, at('b', 2), at('b', 3))
    expect([told.slice(4), merge.held.messages]).toEqual([['a4', 'b2', 'a5'], 1])
    merge.drained(1)
    expect(merge.caughtUp()).toBe(false)
    merge.gone(1)
    expect([told.slice(7), merge.caughtUp()]).toEqual([['b3'], true])
  })

  it('waits a bounded time for the old leg to bring a message', async () => {
    const { told, ready, bring, clock } = world({ end: 'match' })
    ready(1)
    ready(2)
    bring(2, 5)
    clock.advance(249)
    expect(told).toEqual([])
    clock.advance(1)
    bring(2, 6)
    expect(told).toEqual(['5', '6'])
  })

  it('waits that time for each message separately, not once for everything that a faster leg brings', async () => {
    const { told, ready, bring, clock } = world({ end: 'match' })
    ready(1)
    ready(2)
    bring(2, 1)
    for (let number = 2; number <= 5; number++) {
      clock.advance(200)
      bring(2, number)
      bring(1, number - 1)
    }
    expect(told).toEqual(['1', '2', '3', '4'])
  })

  it('switches to the new leg if the old one is silent, also in a topic that was just subscribed', () => {
    const { told, ready, bring, clock, merge } = world({ end: 'match' })
    ready(1)
    merge.hello(2)
    merge.unsubscribe('t')
    merge.subscribe('t', null)
    told.length = 0
    merge.ready(2, new Map(), none)
    bring(2, 5)
    clock.advance(250)
    bring(2, 6)
    expect(told).toEqual(['5', '6'])
  })
})

describe('by position', () => {
  const position = { strength: 'position' } as const

  it('delivers the next message, whichever leg brings it', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 2)
    bring(1, 2, 3)
    bring(2, 3, 4)
    expect(told).toEqual(['1', '2', '3', '4'])
    merge.drained(1)
    expect(merge.caughtUp()).toBe(true)
  })

  it('holds early messages of either leg until the other leg has brought the missing ones', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 4)
    bring(1, 3)
    merge.drained(1)
    expect([told, merge.caughtUp()]).toEqual([['1'], false])
    bring(2, 2)
    expect([told, merge.caughtUp()]).toEqual([['1', '2', '3', '4'], true])
  })

  it('reports exactly one gap with its bounds if no leg brings the missing messages in time', async () => {
    const { told, ready, bring, clock, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 5, 6)
    merge.drained(1)
    clock.advance(250)
    expect([told, merge.caughtUp()]).toEqual([['1', 'gap 2-4 lost', '5', '6'], true])
  })

  it('waits for each missing message for its own full time, whatever is missing before it', async () => {
    const { told, ready, bring, clock, merge } = world(position)
    const of = (topic: string, offset: number) => ({ topic, offset, data: `${topic}${offset}` })
    for (const topic of ['u', 'v']) merge.subscribe(topic, null)
    ready(1)
    bring(1, of('u', 1), of('v', 1), 1)
    ready(2)
    told.length = 0
    bring(2, of('u', 3))
    clock.advance(200)
    bring(2, of('v', 3), 3)
    merge.drained(1)
    clock.advance(50)
    expect(told).toEqual(['gap 2-2 lost', 'u3'])
    merge.unsubscribe('v')
    clock.advance(199)
    bring(2, 2)
    expect([told.slice(2), merge.caughtUp(), clock.pending]).toEqual([
      ['unsubscribe 2 v', 'unsubscribe 1 v', '2', '3'],
      true,
      0,
    ])
  })

  it('begins a topic with the messages of the old leg even if the new leg is faster', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    merge.hello(2)
    bring(2, 3)
    merge.ready(2, new Map(), none)
    bring(2, 4)
    bring(1, 2, 3)
    expect(told).toEqual(['2', '3', '4'])
  })

  it('begins a topic with the messages of the new leg once the old one has ended', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    ready(2)
    bring(2, 3, 4)
    merge.drained(1)
    expect([told, merge.caughtUp()]).toEqual([['3', '4'], true])
  })

  it('continues with an old leg that had already ended its topics if the new leg dies', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 3)
    merge.drained(1)
    merge.gone(2)
    bring(1, 2)
    expect([told, merge.caughtUp()]).toEqual([['1', '2'], true])
  })

  it('ends with the old leg if nobody subscribes any more to what was waited for', () => {
    const { ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 3)
    merge.drained(1)
    merge.unsubscribe('t')
    expect(merge.caughtUp()).toBe(true)
  })

  it('sorts the early messages of both legs if no leg brings the missing ones', async () => {
    const { told, ready, bring, clock } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(1, 5)
    bring(2, 3)
    clock.advance(250)
    expect(told).toEqual(['1', 'gap 2-2 lost', '3', 'gap 4-4 lost', '5'])
  })

  it('handles each topic separately, however their messages are mixed', async () => {
    const { told, ready, bring, clock, merge } = world(position)
    merge.subscribe('u', null)
    ready(1)
    bring(1, 1, { topic: 'u', offset: 1, data: 'u1' })
    ready(2)
    bring(2, 5, { topic: 'u', offset: 4, data: 'u4' })
    bring(1, 3, { topic: 'u', offset: 3, data: 'u3' })
    clock.advance(250)
    expect(told.slice(2).filter((word) => /^(\d|gap)/.test(word))).toEqual([
      'gap 2-2 lost',
      '3',
      'gap 4-4 lost',
      '5',
      'gap 2-2 lost',
    ])
    expect(told.filter((word) => word.startsWith('u'))).toEqual(['u1', 'u3', 'u4'])
  })

  it('loses none of the early messages that the old leg left behind', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1)
    ready(2)
    bring(1, 3)
    merge.gone(1)
    bring(2, 3, 4)
    expect([told, merge.held.messages]).toEqual([['1', 'gap 2-2 lost', '3', '4'], 0])
  })

  it('reports a gap at once if only one leg is open, also after a break', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 1, 3)
    merge.gone(1)
    ready(2)
    bring(2, 3, 6)
    expect(told).toEqual(['1', 'gap 2-2 lost', '3', 'gap 4-5 lost', '6'])
  })

  it('accepts a new numbering only from the active leg, with a gap of unknown bounds', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, { offset: 9, epoch: 'a', data: 'a9' })
    ready(2)
    bring(1, { offset: 1, epoch: 'old', data: 'old' })
    merge.drained(1)
    bring(2, { offset: 1, epoch: 'b', data: 'b1' })
    merge.gone(1)
    expect(told).toEqual(['a9', 'gap null-null epoch', 'b1'])
  })

  it('goes back to an earlier position, and asks the server for it', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 7)
    merge.subscribe('t', { epoch: 'unnamed', offset: 4 })
    bring(1, 5, 6, 7)
    expect(told).toEqual(['7', 'subscribe 1 t', '5', '6', '7'])
    expect(merge.position('t')).toEqual({ epoch: 'unnamed', offset: 7 })
  })

  it('ignores a later position for a topic at an earlier one: the messages between are still to be delivered', () => {
    const { told, ready, bring, merge } = world(position)
    ready(1)
    bring(1, 3)
    merge.subscribe('t', { epoch: 'unnamed', offset: 6 })
    bring(1, 4, 5, 6, 7)
    expect(told.filter((line) => !line.startsWith('subscribe'))).toEqual(['3', '4', '5', '6', '7'])
  })
})

describe('by neither', () => {
  it('delivers what the active leg brings, and lets the old one go at once', () => {
    const { told, ready, bring, merge } = world({ strength: 'none' })
    ready(1)
    bring(1, 1)
    ready(2)
    bring(1, 2)
    bring(2, 2)
    expect([told, merge.caughtUp()]).toEqual([['1', '2'], true])
  })

  it('reports a gap at a planned handover, and continues with the old leg if it serves again', () => {
    const { told, ready, bring, merge } = world({ strength: 'none' })
    const nameless = (data: string) => ({ data, identity: null })
    ready(1)
    bring(1, nameless('a'))
    merge.hello(2)
    bring(2, nameless('b'))
    merge.ready(2, new Map(), none)
    bring(1, nameless('c'))
    merge.gone(2)
    bring(1, nameless('d'))
    expect(told).toEqual(['a', 'gap null-null lost', 'd'])
  })
})

it('tells a new leg what changed since its hello, and forgets what nobody wants', () => {
  const { told, merge, bring } = world({})
  merge.hello(1)
  merge.unsubscribe('t')
  merge.subscribe('u', null)
  merge.ready(1, new Map(), none)
  bring(1, 1)
  expect(told).toEqual(['subscribe 1 u', 'unsubscribe 1 t'])
  merge.stop()
  expect([merge.held.messages, merge.caughtUp(), merge.position('u')]).toEqual([0, false, null])
})

it('does not repeat the initial state of a leg in a handover, however late it arrives, but delivers it when a topic starts over', () => {
  const { merge, told, bring, ready } = world({})
  const state = (data: string) => ({ data, opening: true, identity: null })
  ready(1)
  bring(1, state('on'))
  ready(2)
  bring(2, state('on'))
  merge.drained(1)
  bring(2, state('on'))
  merge.unsubscribe('t')
  merge.subscribe('t', null)
  bring(2, state('off'))
  expect(told.filter((one) => !one.includes('subscribe'))).toEqual(['on', 'off'])
})

it.each([{ leastOverlap: 3_000 }, { end: 'match' as const }])(
  'with %o, keeps the order of each of two servers that get each other’s messages late',
  (deps) => {
    const { merge, told, ready, bring } = world(deps)
    const [blue, green] = [
      (n: number) => ({ identity: `blue ${n}`, data: `blue ${n}` }),
      (n: number) => ({ identity: `green ${n}`, data: `green ${n}` }),
    ]
    ready(1)
    merge.hello(2)
    bring(1, blue(1))
    bring(2, green(2), blue(1))
    merge.ready(2, new Map(), none)
    bring(2, green(3))
    bring(1, blue(2))
    bring(2, blue(2))
    bring(1, green(1), green(2), green(3), green(4))
    bring(2, green(4))
    expect(told).toEqual(['blue 1', 'blue 2', 'green 1', 'green 2', 'green 3', 'green 4'])
  },
)

describe('with a least overlap', () => {
  it('does not ask the old leg for its end before that time, and holds nothing that both legs have brought', async () => {
    const { merge, clock, told, fenced, ready, bring } = world({ leastOverlap: 3_000 })
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, 2, 3)
    expect(told).toEqual(['1'])
    bring(1, 2)
    expect([told, merge.held.messages]).toEqual([['1', '2'], 1])
    bring(2, 4)
    bring(1, 3, 4)
    expect([told, merge.held.messages]).toEqual([['1', '2', '3', '4'], 0])
    clock.advance(2_999)
    expect([fenced, merge.caughtUp()]).toEqual([[], false])
    clock.advance(1)
    expect(fenced).toEqual([1])
    merge.drained(1)
    expect(merge.caughtUp()).toBe(true)
  })

  it('keeps both legs open for that time if nothing identifies messages, and delivers those of the new one', async () => {
    const { merge, clock, told, fenced, ready, bring } = world({ strength: 'none', leastOverlap: 3_000 })
    ready(1)
    ready(2)
    bring(1, { data: 'a' })
    bring(2, { data: 'a' })
    clock.advance(3_000)
    expect([told, fenced, merge.caughtUp()]).toEqual([['a'], [1], false])
    merge.drained(1)
    expect(merge.caughtUp()).toBe(true)
  })

  it('leaves no leg behind a sign-out: the next session counts its legs anew', async () => {
    const { merge, clock, fenced, ready } = world({ leastOverlap: 3_000 })
    ready(1)
    ready(2)
    merge.stop()
    expect(clock.pending).toBe(0)
    clock.advance(3_000)
    expect(fenced).toEqual([])
  })

  it('ends with the old leg', async () => {
    const { merge, clock, fenced, ready } = world({ leastOverlap: 3_000 })
    ready(1)
    ready(2)
    merge.gone(1)
    clock.advance(10_000)
    expect([fenced, merge.caughtUp()]).toEqual([[], true])
  })
})

describe('if a new leg does not get what came before', () => {
  it('reports a gap without bounds in a topic that had begun', () => {
    const { merge, told, bring, ready } = world({})
    merge.hello(1)
    bring(1, { head: true, hasData: false })
    merge.ready(1, new Map(), none)
    bring(1, 1)
    merge.gone(1)
    merge.hello(2)
    bring(2, { head: true, hasData: false })
    merge.ready(2, new Map(), none)
    bring(2, 5)
    ready(3)
    expect(told).toEqual(['1', 'gap null-null lost', '5'])
  })

  it('by position, reports at once what is missing up to the head, and begins a new topic there', () => {
    const { merge, told, bring, ready } = world({ strength: 'position' })
    ready(1)
    bring(1, { offset: 4, head: true, hasData: false })
    expect(merge.position('t')).toEqual({ epoch: 'unnamed', offset: 4 })
    bring(1, 5)
    merge.gone(1)
    ready(2)
    bring(2, { offset: 9, head: true, hasData: false })
    bring(2, 10)
    expect(told).toEqual(['5', 'gap 6-9 lost', '10'])
  })

  it('reports no gap while the old leg brings what came before', () => {
    const { told, bring, ready } = world({ strength: 'position' })
    ready(1)
    bring(1, 1)
    ready(2)
    bring(2, { offset: 3, head: true, hasData: false })
    bring(2, 4)
    bring(1, 2, 3, 4)
    expect(told).toEqual(['1', '2', '3', '4'])
  })
})
