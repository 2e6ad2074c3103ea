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
  // Time stands still but for what a test lets pass, as it does for `memoryLog`.
  const begun = performance.now()
  let passed = 0
  const time = () => 1_700_000_000_000 + Math.floor(begun) + passed
  const options = { url: redis.url, prefix: `contract-${++made}`, ...settings }
  const [log, other] = [openRedisLog(options, { time }), openRedisLog(options, { time })]
  // A log that is there has an epoch: what is older than that moment is another test's.
  await Promise.all([log.head('t'), other.head('t')])
  return {
    log,
    other,
    async pass(ms) {
      passed += ms
      // Here no time has passed: what it is in Redis a node learns from an answer, as of a clock that was set forward.
      await Promise.all([log, other].map((one) => one.recall({ session: 'of nobody', id: 'asks the time' })))
    },
    async lose() {
      await redis.command('FLUSHALL')
      // It is lost from the moment at which somebody notices: a second at most, where somebody listens.
      await log.head('t')
    },
    close: async () => void (await Promise.all([log.close(), other.close()])),
  }
}
topicLogContract('redisLog', make)
attendanceContract('redisLog', make)
