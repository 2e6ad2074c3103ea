export { redisLog, type RedisLog, type RedisLogOptions, type RedisLogStats } from './redis-log.js'
export type { RedisTemplate } from './redis-socket.js'
