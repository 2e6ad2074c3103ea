import { expect, it } from 'vitest'
import { createMerge } from '../../src/topics/merge.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

it('a handler that closes every leg receives nothing more, even if more messages were held', () => {
  const told: unknown[] = []
  const merge = createMerge(
    { clock: createSimulatedClock(), id: () => 'a', gapTimeout: 250, maxMessages: 10, maxBytes: 1000 },
    {
      deliver(_data, { offset }) {
        told.push(offset)
        merge.gone(2)
        merge.gone(1)
      },
      gap: (gap) => void told.push(gap),
      subscribe() {},
      unsubscribe() {},
      serving: null,
      overflow: () => false,
      invalid() {},
    },
  )
  merge.subscribe('t', null)
  merge.hello(1)
  merge.ready(1, new Map([['t', { epoch: 'e', offset: 0, after: 0 }]]), new Set())
  merge.hello(2)
  merge.ready(2, new Map([['t', { epoch: 'e', offset: 1, after: 1 }]]), new Set())
  const bring = (leg: number, offset: number) =>
    merge.message(leg, { type: 'message', topic: 't', offset, prev: offset - 1, data: offset, hasData: true })
  bring(2, 2)
  bring(2, 3)
  bring(1, 1)
  expect(told).toEqual([1])
  expect(merge.position('t')).toEqual({ epoch: 'e', offset: 1 })
})
