import { expect, test } from 'vitest'
import { memoryLog } from '../../../src/server/index.js'
import { redisLog } from '../../../src/server/redis/index.js'

const LOGS = {
  memoryLog,
  redisLog: (options: object) => redisLog({ url: 'redis://127.0.0.1:1', onError: () => undefined, ...options }),
}
const WRONG = {
  'history.maxMessages': [Infinity, -1, '5', 2 ** 31],
  'history.maxBytes': [Infinity, NaN, 2 ** 41],
  'history.maxAge': [Infinity, -1, 1e16],
  'dedupe.window': [Infinity, 8 * 24 * 3_600_000],
  'dedupe.maxIds': [Infinity, 0, 0.5, 2 ** 25],
  maxTopics: [Infinity, 0, '100'],
}

test.each(
  Object.keys(LOGS).flatMap((log) =>
    Object.entries(WRONG).flatMap(([name, values]) =>
      values.map((value) => [log as keyof typeof LOGS, name, value] as const),
    ),
  ),
)('%s refuses %s: %s at once, by name', (log, name, value) => {
  const [group, field] = name.split('.') as [string, string?]
  const options = field === undefined ? { [group]: value } : { [group]: { [field]: value } }
  expect(() => LOGS[log](options)).toThrow(
    expect.objectContaining({ code: 'invalid', message: expect.stringContaining(name) }),
  )
})

test('a memory log refuses an infinite maxBytes', () => {
  expect(() => memoryLog({ maxBytes: Infinity })).toThrow(expect.objectContaining({ code: 'invalid' }))
})
