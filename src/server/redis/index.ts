export { redisLog, type RedisLog, type RedisLogOptions, type RedisLogStats } from './redis-log.js'
export type { RedisAddress, RedisAddressMap, RedisClusterNodes, RedisSentinels, RedisTemplate } from './redis-source.js'
