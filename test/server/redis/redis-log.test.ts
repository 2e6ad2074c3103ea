import { afterAll, beforeAll } from 'vitest'
import { openRedisLog } from '../../../src/server/redis/redis-log.js'
import { startRedisServer, type RedisServer } from '../../kit/redis-server.js'
import { attendanceContract } from '../log/attendance-contract.js'
import { topicLogContract, type LogSettings, type LogUnderTest } from '../log/topic-log-contract.js'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.close())

let made = 0
const make = async (settings: LogSettings = {}): Promise<LogUnderTest> => {
  // Time stands still unless a test lets it pass, as with `memoryLog`.
  const begun = performance.now()
  let passed = 0
  const time = () => 1_700_000_000_000 + Math.floor(begun) + passed
  const options = { url: redis.url, prefix: `contract-${++made}`, ...settings }
  const [log, other] = [openRedisLog(options, { time }), openRedisLog(options, { time })]
  // A log that Redis knows has an epoch. Whatever is older than that belongs to another test.
  await Promise.all([log.head('t'), other.head('t')])
  return {
    log,
    other,
    async pass(ms) {
      passed += ms
      // A node learns the time in Redis from an answer, which here looks like a clock that was set forward.
      await Promise.all([log, other].map((one) => one.recall({ session: 'of nobody', id: 'asks the time' })))
    },
    async lose() {
      await redis.command('FLUSHALL')
      // The data counts as lost when a node notices it: within a second, if somebody listens.
      await log.head('t')
    },
    close: async () => void (await Promise.all([log.close(), other.close()])),
  }
}
topicLogContract('redisLog', make)
attendanceContract('redisLog', make)
