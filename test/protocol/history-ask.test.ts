import { expect, it } from 'vitest'
import { historyAsk } from '../../src/protocol/history-ask.js'

it('reads a request for history, and limits it to 1,000 messages', () => {
  expect(historyAsk({ topic: 'room', limit: 3, before: null, more: 1 })).toEqual({ topic: 'room', limit: 3 })
  const before = { epoch: 'e', offset: 7 }
  expect(historyAsk({ topic: 'room', limit: 1e9, before: { ...before, more: 1 } })).toEqual({
    topic: 'room',
    limit: 1_000,
    before,
  })
})

it.each<[unknown, string]>([
  [undefined, 'a topic'],
  [{ limit: 1 }, 'a topic'],
  [{ topic: '', limit: 1 }, 'a topic'],
  [{ topic: 'x'.repeat(257), limit: 1 }, 'a topic'],
  ...[undefined, 0, -1, 1.5, null, '3'].map((limit) => [{ topic: 'room', limit }, 'limit'] as [unknown, string]),
  ...[7, 'e', {}, { epoch: '', offset: 1 }, { epoch: 'e', offset: 0.5 }, { epoch: 'e'.repeat(200), offset: 1 }].map(
    (before) => [{ topic: 'room', limit: 1, before }, 'before'] as [unknown, string],
  ),
])('says what is wrong with %j: %s', (asked, said) => {
  expect(historyAsk(asked)).toMatch(new RegExp(`^${said} `))
})
