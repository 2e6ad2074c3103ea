import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { copyOf } from '../../src/foreign/raw-copy.js'
import type { LiveSocketError } from '../../src/base/errors.js'
import type { PublishFrame } from '../../src/publishes/outbox.js'
import { encodeClientFrame } from '../../src/protocol/client-frames.js'
import { OutboxEntry } from '../../src/publishes/outbox-entry.js'
import { setUp } from './outbox-kit.js'

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: LiveSocketError) => error,
  )

describe('publishing', () => {
  it('waits for a leg, is sent in order, and settles with the answer of the server', async () => {
    const { publish, outbox, sent, outcome } = setUp()
    for (const name of ['a', 'b', 'c']) publish(name)
    expect(sent()).toEqual([])
    outbox.ready(1)
    expect(sent()).toEqual(['1:a', '1:b', '1:c'])
    outbox.acked('p2', 7, { fine: true })
    outbox.acked('p1')
    outbox.acked('p1', 99)
    expect(await outcome('a')).toEqual({ id: 'p1' })
    expect(await outcome('b')).toEqual({ id: 'p2', offset: 7, data: { fine: true } })
    expect([await outcome('c'), outbox.size.messages, outbox.settled(1)]).toEqual([undefined, 1, false])
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a BigInt', 1n],
    [
      'something circular',
      (() => {
        const self: Record<string, unknown> = {}
        return (self['self'] = self)
      })(),
    ],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error('from toJSON')
        },
      },
    ],
    ['a toJSON that gives nothing', { toJSON: () => undefined }],
    [
      'a getter that throws',
      {
        get bomb() {
          throw 'a string, thrown'
        },
      },
    ],
  ])('refuses %s as invalid, and queues nothing', async (_, data) => {
    const { outbox, sent } = setUp()
    outbox.ready(1)
    expect(await rejection(outbox.publish('room', data))).toMatchObject({
      name: 'LiveSocketError',
      code: 'invalid',
      topic: 'room',
    })
    expect([sent(), outbox.size]).toEqual([[], { messages: 0, bytes: 0 }])
  })

  it.each<[string, string, { ttl?: number }]>([
    ['a ttl of 0', 'room', { ttl: 0 }],
    ['a ttl that is not a number', 'room', { ttl: NaN }],
    ['a ttl of null', 'room', { ttl: null as never }],
  ])('refuses %s as invalid', async (_, topic, options) => {
    expect(await rejection(setUp().outbox.publish(topic, 1, options))).toMatchObject({ code: 'invalid' })
  })

  it('looks at no more than the first of those that wait, while their leg takes none', () => {
    const looked = vi.spyOn(OutboxEntry.prototype, 'lane', 'get')
    onTestFinished(() => looked.mockRestore())
    const { outbox, publish, sendable } = setUp()
    outbox.ready(1)
    sendable(false)
    for (let at = 0; at < 500; at++) publish(`m${at}`)
    expect(looked.mock.calls.length).toBeLessThan(1_000)
  })

  it('sends a waiting publish even if the one behind it was aborted', async () => {
    const { publish, outbox, sent, sendable, outcome } = setUp()
    outbox.ready(1)
    sendable(false)
    publish('a')
    publish('b', { signal: AbortSignal.abort() })
    expect(await outcome('b')).toBe('aborted')
    sendable(true)
    outbox.ready(2)
    expect(sent()).toEqual(['2:a'])
  })

  it('sends each publish once, even if one is made while another is sent', () => {
    const { outbox, sent, handlers } = setUp({ acknowledges: false })
    outbox.ready(1)
    const { send } = handlers
    handlers.send = (leg, frame) => {
      handlers.send = send
      void outbox.publish('room', 'b')
      return send(leg, frame)
    }
    void outbox.publish('room', 'a')
    expect(sent()).toEqual(['1:a', '1:b'])
  })

  it('sends what the data was when it was published', () => {
    const { outbox, frames } = setUp()
    const data = { text: 'before', list: [1] }
    void outbox.publish('room', data)
    data.text = 'after'
    data.list.push(2)
    outbox.ready(1)
    expect(frames()).toEqual([{ type: 'publish', id: 'p1', topic: 'room', n: 1, data: { text: 'before', list: [1] } }])
  })

  it('is full at maxMessages, with waiting and unanswered publishes counted, and has room again when one settles', async () => {
    const { publish, outbox, outcome } = setUp({ maxMessages: 2 })
    publish('waits')
    outbox.ready(1)
    publish('unanswered')
    publish('too many')
    expect(await outcome('too many')).toBe('outbox-full')
    outbox.acked('p1')
    publish('fits')
    expect([await outcome('fits'), outbox.size.messages]).toEqual([undefined, 2])
  })

  it('is full at maxBytes, counted as they go over the wire', async () => {
    const { outbox } = setUp({ maxBytes: 200 })
    const frame = (text: string) =>
      new TextEncoder().encode(encodeClientFrame({ type: 'publish', id: 'p1', topic: 'rööm', n: 1, data: text })).length
    outbox.ready(1)
    void outbox.publish('rööm', 'é漢🙂"\n\ud800')
    expect(outbox.size).toEqual({ messages: 1, bytes: frame('é漢🙂"\n\ud800') })
    expect(await rejection(outbox.publish('room', 'x'.repeat(120)))).toMatchObject({ code: 'outbox-full' })
    expect((await rejection(outbox.publish('room', 'x'.repeat(300)))).message).toContain(
      'outbox.maxBytes allows 200 in all',
    )
    outbox.acked('p1')
    outbox.close()
    expect(outbox.size).toEqual({ messages: 0, bytes: 0 })
  })

  it('is too-large over the maxFrame of the leg: at once if a leg is active, otherwise as soon as one is', async () => {
    const { publish, outbox, outcome, sent } = setUp()
    publish('x'.repeat(100))
    publish('small')
    outbox.ready(1, 80)
    publish('y'.repeat(100))
    expect(await outcome('x'.repeat(100))).toBe('too-large')
    expect(await outcome('y'.repeat(100))).toBe('too-large')
    expect(sent()).toEqual(['1:small'])
  })

  it('passes the server’s refusals on by their code', async () => {
    const { outbox } = setUp()
    outbox.ready(1)
    const promises = [1, 2, 3, 4, 5].map((data) => rejection(outbox.publish('room', data)))
    outbox.nacked('p1', 'busy', 'later', 500)
    outbox.nacked('p2', 'forbidden', 'not yours')
    outbox.nacked('p3', 'outcome-unknown', 'no record')
    outbox.nacked('p4', 'too-large', 'over 10')
    outbox.nacked('p5', 'too-large', 'over the limit')
    outbox.nacked('p5', 'busy', 'again')
    const [busy, ...others] = await Promise.all(promises)
    expect(busy).toMatchObject({ code: 'refused', retryAfter: 500, id: 'p1', topic: 'room' })
    expect(others.map(({ code }) => code)).toEqual(['forbidden', 'outcome-unknown', 'too-large', 'too-large'])
    expect(outbox.settled(1)).toBe(true)
  })

  it('ignores answers to publishes that were never sent or do not exist', async () => {
    const { publish, outbox, outcome } = setUp()
    publish('waits')
    outbox.acked('p1')
    outbox.nacked('p1', 'forbidden', '')
    outbox.nacked('nothing', 'too-large', '')
    expect([await outcome('waits'), outbox.size.messages]).toEqual([undefined, 1])
  })

  it('settles when it is sent, if the server answers no publishes', async () => {
    const { publish, outbox, outcome } = setUp({ acknowledges: false })
    publish('a')
    outbox.ready(1)
    expect([await outcome('a'), outbox.settled(1), outbox.size.messages]).toEqual([{ id: 'p1' }, true, 0])
  })

  it('keeps publishes that cannot be sent yet, in order, until they can', () => {
    const { publish, outbox, sent, sendable } = setUp()
    outbox.ready(1)
    sendable(false)
    publish('a')
    publish('b')
    sendable(true)
    expect(outbox.settled(1)).toBe(true)
    outbox.ready(1)
    publish('c')
    expect(sent()).toEqual(['1:a', '1:b', '1:c'])
  })
})

describe('giving up', () => {
  it.each(['ttl', 'signal'] as const)(
    'by %s: an unsent publish did not happen, a sent one is outcome-unknown and never sent again',
    async (by) => {
      const { publish, outbox, outcome, sent, clock } = setUp()
      const controller = new AbortController()
      const options = by === 'ttl' ? { ttl: 50 } : { signal: controller.signal }
      outbox.ready(1)
      publish('sent', options)
      outbox.gone(1)
      publish('unsent', options)
      await clock.advance(49)
      expect(outbox.size.messages).toBe(2)
      controller.abort()
      await clock.advance(1)
      expect(await outcome('sent')).toBe('outcome-unknown')
      expect(await outcome('unsent')).toBe(by === 'ttl' ? 'timeout' : 'aborted')
      outbox.ready(2)
      expect([sent(), outbox.size, clock.pending]).toEqual([['1:sent'], { messages: 0, bytes: 0 }, 0])
    },
  )

  it('sends nothing if the signal is not an AbortSignal', async () => {
    const { outbox, sent } = setUp()
    const wrong = new AbortController() as unknown as AbortSignal
    expect(await rejection(outbox.publish('room', 1, { signal: wrong }))).toBeInstanceOf(TypeError)
    outbox.ready(1)
    expect([sent(), outbox.size.messages]).toEqual([[], 0])
  })

  it('copies bytes in shared memory, which no socket can send', async () => {
    const { outbox, frames } = setUp({ copy: (data) => copyOf(data, true) })
    const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2).fill(7)
    void outbox.publish('room', shared)
    outbox.ready(1)
    const [frame] = frames()
    expect(frame!.data).toBeInstanceOf(ArrayBuffer)
    expect([...new Uint8Array(frame!.data as ArrayBuffer)]).toEqual([7, 7])
  })

  it('refuses a publish whose signal is already aborted', async () => {
    const { outbox } = setUp()
    expect(await rejection(outbox.publish('room', 1, { signal: AbortSignal.abort('why') }))).toMatchObject({
      code: 'aborted',
      cause: 'why',
    })
  })

  it('does not send after the ttl even when the timer slept', async () => {
    const { publish, outbox, outcome, sent, clock } = setUp()
    publish('a', { ttl: 1_000 })
    clock.sleep(5_000)
    outbox.ready(1)
    expect([await outcome('a'), sent()]).toEqual(['timeout', []])
  })

  it('sets one timer for any number of publishes that are answered in time', () => {
    const { publish, outbox, clock } = setUp()
    const set = vi.spyOn(clock, 'setTimeout')
    outbox.ready(1)
    set.mockClear()
    for (let n = 1; n <= 100; n++) publish(n)
    for (let n = 1; n <= 100; n++) outbox.acked(`p${n}`)
    expect([set.mock.calls.length, clock.pending]).toEqual([1, 0])
  })

  it('settles every publish at once at close, and later ones as closed', async () => {
    const { publish, outbox, outcome, sent, clock } = setUp()
    outbox.ready(1)
    publish('sent', { ttl: 5_000 })
    outbox.gone(1)
    publish('unsent', { signal: new AbortController().signal })
    outbox.close('signed out')
    outbox.close()
    publish('later')
    outbox.acked('p1')
    outbox.ready(2)
    expect([await outcome('sent'), await outcome('unsent'), await outcome('later')]).toEqual([
      'outcome-unknown',
      'closed',
      'closed',
    ])
    expect([sent(), clock.pending, outbox.size.messages]).toEqual([['1:sent'], 0, 0])
  })
})

describe('re-entrancy', () => {
  it.each<[string, (outbox: ReturnType<typeof setUp>['outbox'], frame: PublishFrame) => void, string[]]>([
    ['an answer', (outbox, frame) => outbox.acked(frame.id), ['1:0', '1:1', '1:2']],
    ['a close', (outbox) => outbox.close(), ['1:0']],
    [
      'the leg’s death',
      (outbox, frame) => frame.data === 1 && frame.age === undefined && outbox.gone(1),
      ['1:0', '1:1'],
    ],
    ['a cutover', (outbox, frame) => frame.data === 1 && outbox.ready(2), ['1:0', '1:1']],
    ['a publish', (outbox, frame) => frame.data === 1 && void outbox.publish('room', 3), ['1:0', '1:1', '1:2', '1:3']],
  ])('%s from within send is fine', (_, act, expected) => {
    const { outbox, handlers, publish, sent } = setUp()
    const send = handlers.send
    handlers.send = (leg, frame) => {
      const done = send(leg, frame)
      act(outbox, frame as PublishFrame)
      return done
    }
    for (const name of [0, 1, 2]) publish(name)
    outbox.ready(1)
    expect(sent()).toEqual(expected)
  })

  it('accepts data whose toJSON() publishes, aborts or closes', async () => {
    const { outbox, sent } = setUp()
    const controller = new AbortController()
    outbox.ready(1)
    void outbox
      .publish('room', { toJSON: () => (outbox.publish('room', 'inner').catch(() => {}), 'outer') })
      .catch(() => {})
    expect(sent()).toEqual(['1:inner', '1:outer'])
    const aborts = outbox.publish('room', { toJSON: () => (controller.abort(), 1) }, { signal: controller.signal })
    expect(await rejection(aborts)).toMatchObject({ code: 'aborted' })
    expect(await rejection(outbox.publish('room', { toJSON: () => (outbox.close(), 1) }))).toMatchObject({
      code: 'closed',
    })
    expect(sent()).toEqual([])
  })
})
