import { expect, test } from 'vitest'
import { createMerge } from '../../src/link/merge.js'
test('smoke', () => {
  const log: string[] = []
  let id = 0
  const clock: any = { now: () => 0, monotonic: () => 0, setTimeout: () => () => {}, frame: () => () => {} }
  const merge = createMerge({ clock, id: () => `s${++id}`, gapTimeout: 250, maxMessages: 10, maxBytes: 1e6 }, {
    deliver: (m) => log.push(`${m.offset}`), gap: (g) => log.push(`gap ${g.from}-${g.to} ${g.reason}`),
    subscribe: (leg, i, t) => log.push(`sub ${leg} ${i} ${JSON.stringify([...t])}`), unsubscribe: () => {}, overflow: () => false, invalid: (t, r) => log.push(r) })
  merge.subscribe('t', null)
  merge.hello(1)
  merge.ready(1, new Map([['t', { epoch: 'e', offset: 5, after: 5 }]]), new Set())
  const m = (o: number, prev = o - 1) => ({ type: 'message' as const, topic: 't', offset: o, prev, data: o, hasData: true })
  merge.message(1, m(6)); 
  merge.hello(2); merge.message(1, m(7))
  merge.ready(2, new Map([['t', { epoch: 'e', offset: 9, after: 6 }]]), new Set())
  expect(merge.caughtUp()).toBe(false)
  merge.message(2, m(7)); merge.message(2, m(8)); merge.message(2, m(9))
  expect(merge.caughtUp()).toBe(true)
  merge.message(2, m(11)); 
  merge.gone(1)
  expect(log).toEqual(['6','7','8','9','sub 2 s1 [["t",{"epoch":"e","offset":9}]]'])
})
