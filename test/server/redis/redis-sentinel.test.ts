import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { redisLog, type RedisLogOptions } from '../../../src/server/redis/redis-log.js'
import { freePort } from '../../kit/free-port.js'
import { startRedisServer, type RedisServer } from '../../kit/redis-server.js'
import { append, follow, redisWith, until } from './redis-kit.js'

async function startSentinel(master: RedisServer, auth: readonly string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-sentinel-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'sentinel.conf')
  const lines = [
    `sentinel monitor main 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds main 500',
    'sentinel failover-timeout main 2000',
    ...auth,
  ]
  await writeFile(config, `${lines.join('\n')}\n`)
  const sentinel = await startRedisServer({ config })
  onTestFinished(() => sentinel.close())
  return sentinel
}

async function masterAndReplica(more: readonly string[] = []) {
  const { redis: master } = await redisWith({ more })
  const { redis: replica } = await redisWith({ more: [...more, '--replicaof', '127.0.0.1', `${master.port}`] })
  return { master, replica }
}

function open(options: RedisLogOptions) {
  const errors: string[] = []
  const log = redisLog({ onError: (error) => void errors.push((error as Error).message), ...options })
  onTestFinished(() => log.close())
  return { log, errors }
}

const followed = (replica: RedisServer) =>
  until(
    async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    'the replica follows',
  )
/** How far a server reports its replication to be. */
async function offsetOf(redis: RedisServer, field: string): Promise<number> {
  return Number(new RegExp(`${field}:(\\d+)`).exec(String(await redis.command('INFO', 'replication')))![1])
}
const at = ({ port }: { readonly port: number }) => ({ host: '127.0.0.1', port })

test('sentinels lead to the master, also after a failover and with one sentinel down', async () => {
  const { master, replica } = await masterAndReplica()
  await followed(replica)
  const sentinel = await startSentinel(master)
  await until(
    async () => String(await sentinel.command('INFO', 'sentinel')).includes('slaves=1'),
    'the sentinel knows the replica',
  )
  const { log } = open({
    sentinel: { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: await freePort() }, at(sentinel)] },
  })
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  const tail = await follow(log)
  // What was acknowledged has reached the replica, so that nothing is missing after the failover. WAIT would only wait
  // for writes of this connection, which has none.
  const written = await offsetOf(master, 'master_repl_offset')
  await until(async () => (await offsetOf(replica, 'slave_repl_offset')) >= written, 'the replica has it')
  await master.kill()
  await until(() => !log.stats().here, 'it is noticed')
  await until(() => log.stats().here, 'the new master is found', 20_000)
  expect((await append(log, '"new"')).answer).toEqual({ type: 'ack', offset: 2 })
  expect(tail.epochs()).toEqual([])
  expect(String(await replica.command('INFO', 'replication'))).toContain('role:master')
}, 60_000)

test('the master gets its own credentials', async () => {
  const { master } = await masterAndReplica(['--requirepass', 'right'])
  const sentinel = await startSentinel(master, ['sentinel auth-pass main right'])
  const { log } = open({
    sentinel: { name: 'main', sentinelRootNodes: [at(sentinel)], nodeClientOptions: { password: 'right' } },
  })
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
})

test('a master that no sentinel knows is reported once, by name', async () => {
  const { master } = await masterAndReplica()
  const sentinel = await startSentinel(master)
  const { log, errors } = open({ sentinel: { name: 'mein', sentinelRootNodes: [at(sentinel)] } })
  await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
  const begun = performance.now()
  await until(() => performance.now() - begun > 1_000, 'it was tried anew')
  expect(errors).toEqual([expect.stringContaining('no master called mein')])
  expect(log.status!()).toMatchObject({ ready: false, reason: expect.stringContaining('no master') })
})
