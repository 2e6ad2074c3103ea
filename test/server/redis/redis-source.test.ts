import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { createClient as createClient4, createCluster as createCluster4 } from 'redis4'
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from 'redis5'
import { describe, expect, test } from 'vitest'
import { redisLog, type RedisLogOptions } from '../../../src/server/redis/redis-log.js'
import { redisSource, type RedisTemplate } from '../../../src/server/redis/redis-source.js'

const place = (url: string) => redisSource({ url }).seeds[0]!

describe('a url', () => {
  test.each([
    ['redis://localhost', 'localhost:6379', { socket: { host: 'localhost' } }],
    ['redis://', 'localhost:6379', { socket: {} }],
    [
      'REDISS://ada:p%23w@redis.example:6380/3',
      'redis.example:6380',
      { username: 'ada', password: 'p#w', database: 3, socket: { host: 'redis.example', port: 6380, tls: true } },
    ],
    ['redis://:secret@[::1]:7000/', '::1:7000', { password: 'secret', socket: { host: '::1', port: 7000 } }],
    ['unix:///run/redis.sock', '/run/redis.sock', { socket: { path: '/run/redis.sock' } }],
    [
      'unix://ada:p%40w@/run/redis.sock?db=2',
      '/run/redis.sock',
      { username: 'ada', password: 'p@w', database: 2, socket: { path: '/run/redis.sock' } },
    ],
  ])('%s is read the same way for every version of the package redis', (url, name, options) => {
    expect(place(url)).toEqual({ name, options })
  })

  test.each([
    'redis://:S3CRET#x@host',
    'redis://S3CRET#x@host',
    'redis://:S3CRET/x@host',
    'redis://ada:S3CRET?x@host',
    'redis://:S3CRET%@host',
    'redis://:S3CRET@host:99999',
    'redis://:S3CRET@host/first',
    'http://:S3CRET@host',
    ':S3CRET@host',
    'unix://S3CRET',
    'unix://:S3CRET%@/run/redis.sock',
  ])('%s is refused at once, with its password redacted', (url) => {
    const refusal = failureOf({ url })
    expect(refusal).toMatchObject({
      name: 'LiveSocketError',
      code: 'invalid',
      message: expect.stringContaining('redis://[user:password@]host'),
    })
    expect(everything(refusal)).not.toContain('S3CRET')
  })

  test('of a cluster node is refused by its index', () => {
    expect(failureOf({ cluster: { rootNodes: [{ url: 'redis://a' }, { url: 'redis://:S3CRET#@b' }] } })).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('cluster.rootNodes[1].url'),
    })
  })
})

describe('a client', () => {
  test.each<[string, RedisTemplate]>([
    ['createClient of redis 6', createClient()],
    ['createClient of redis 5', createClient5()],
    ['createClient of redis 4', createClient4()],
  ])('of %s is accepted', (_, client) => {
    expect(redisSource({ client }).seeds).toHaveLength(1)
  })

  const cluster = { rootNodes: [{ url: 'redis://localhost:1' }] }
  const sentinel = { name: 'main', sentinelRootNodes: [{ host: 'localhost', port: 1 }] }
  test.each<[string, unknown, string]>([
    ['createCluster of redis 6', createCluster(cluster), 'as cluster:'],
    ['createCluster of redis 5', createCluster5(cluster), 'as cluster:'],
    ['createCluster of redis 4', createCluster4(cluster), 'as cluster:'],
    ['createSentinel of redis 6', createSentinel(sentinel), 'as sentinel:'],
    ['createSentinel of redis 5', createSentinel5(sentinel), 'as sentinel:'],
    ['createClientPool of redis 6', createClientPool(), 'a pool'],
    ['createClientPool of redis 5', createClientPool5(), 'a pool'],
    // An object like a client of ioredis.
    [
      'another library',
      { duplicate() {}, sendCommand() {}, connect() {}, options: {}, status: 'wait' },
      'createClient of the package redis',
    ],
    ['null', null, 'createClient of the package redis'],
  ])('of %s is refused at once with a hint what to pass instead', (_, client, words) => {
    expect(failureOf({ client: client as RedisTemplate })).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(words),
    })
  })
})

test.each<[object, string]>([
  [{ url: 'redis://a', client: createClient() }, 'url, client, cluster or sentinel'],
  [{ cluster: { rootNodes: [] } }, 'cluster.rootNodes'],
  [{ cluster: {} }, 'cluster.rootNodes'],
  [{ sentinel: { name: '', sentinelRootNodes: [{ host: 'a', port: 1 }] } }, 'sentinel.name'],
  [{ sentinel: { name: 'main', sentinelRootNodes: [] } }, 'sentinel.sentinelRootNodes'],
  [{ sentinel: { name: 'main', sentinelRootNodes: ['a:1'] } }, 'sentinel.sentinelRootNodes'],
])('%j is refused by name', (options, name) => {
  expect(failureOf(options)).toMatchObject({ code: 'invalid', message: expect.stringContaining(name) })
})

function failureOf(options: RedisLogOptions): unknown {
  try {
    redisLog(options)
  } catch (error) {
    return error
  }
  throw new Error('it was taken')
}

/** Everything of an error that a logger may print. */
function everything(error: unknown): string {
  const { message, stack, cause } = error as Error
  return [message, stack, String(cause), JSON.stringify(error), JSON.stringify(cause ?? null)].join('\n')
}
