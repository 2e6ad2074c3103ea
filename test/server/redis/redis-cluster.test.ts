import { createClient } from 'redis'
import { expect, onTestFinished, test } from 'vitest'
import type { News } from '../../../src/server/log/news.js'
import { redisLog, type RedisLogOptions } from '../../../src/server/redis/redis-log.js'
import { freePort } from '../../kit/free-port.js'
import {
  certificateFor,
  cover,
  cutAll,
  failOver,
  giveAll,
  idOf,
  logSlot,
  replicate,
  startRedisCluster,
} from '../../kit/redis-cluster.js'
import type { RedisServer } from '../../kit/redis-server.js'
import { append, follow, here, until } from './redis-kit.js'

function open(options: RedisLogOptions) {
  const errors: string[] = []
  const log = redisLog({ onError: (error) => void errors.push((error as Error).message), ...options })
  onTestFinished(() => log.close())
  return { log, errors }
}

const dialled = async (node: RedisServer) =>
  Number(/total_connections_received:(\d+)/.exec(String(await node.command('INFO', 'stats')))![1])

test('a node without the slot of the log redirects to the one that has it, even the very first call', async () => {
  const nodes = await startRedisCluster(3)
  await giveAll(nodes[1]!, nodes)
  const { log, errors } = open({ url: nodes[0]!.url })
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  expect(errors).toEqual([])
})

test('when the named node is dead and the connection to the node with the slot is cut, that node is found again', async () => {
  const nodes = await startRedisCluster(3)
  await giveAll(nodes[1]!, nodes)
  const { log } = open({ url: nodes[0]!.url })
  await append(log)
  await nodes[0]!.kill()
  await cutAll(nodes[1]!)
  await until(() => log.stats().connections === 2 && log.stats().here, 'it is back')
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 2 })
})

test('when the node with the slot dies, its replica takes over and is found', async () => {
  const nodes = await startRedisCluster(4)
  const [named, master, third, replica] = nodes as [RedisServer, RedisServer, RedisServer, RedisServer]
  // A failover needs a majority of the masters that have slots.
  await named.command('CLUSTER', 'ADDSLOTSRANGE', '0', '99')
  await third.command('CLUSTER', 'ADDSLOTSRANGE', '100', '199')
  await master.command('CLUSTER', 'ADDSLOTSRANGE', '200', '16383')
  await cover(nodes)
  await replicate(replica, master)
  await cover(nodes)
  const { log } = open({ url: named.url })
  await append(log)
  await master.kill()
  await until(() => !log.stats().here, 'it is noticed')
  await until(() => log.stats().here, 'the replica is found', 20_000)
  expect((await append(log)).answer).toMatchObject({ type: 'ack' })
}, 60_000)

test('when the named node became a replica in a failover, the log follows it to its master', async () => {
  const nodes = await startRedisCluster(2)
  const [named, other] = nodes as [RedisServer, RedisServer]
  await giveAll(named, nodes)
  await replicate(other, named)
  const { log } = open({ url: named.url })
  await append(log)
  await log.attendance!.change('t', 2, () => ({ set: [{ session: 's', row: '["s"]' }], gone: [] }))
  await failOver(other, named)
  await until(
    async () =>
      await append(log).then(
        () => true,
        () => false,
      ),
    'publishes are stored again',
  )
  await cutAll(other)
  await until(() => log.stats().here && log.stats().connections > 2, 'it is back')
  await append(log)
  const { log: fresh } = open({ url: named.url })
  expect((await append(fresh)).answer).toMatchObject({ type: 'ack' })
  // The servers' news and the presence lists were migrated as well.
  expect(await log.attendance!.list('t')).toMatchObject({ rows: ['["s"]'] })
  await fresh.attendance!.change('t', 2, () => ({ set: [], gone: [{ session: 's', ids: '["s"]' }] }))
  expect(await log.attendance!.list('t')).toMatchObject({ rows: [] })
  const orders: News[] = []
  const [teller, hearer] = [fresh.news!(() => undefined), log.news!((news) => void orders.push(news))]
  await until(async () => {
    await teller.tell({ type: 'end', match: { subject: 'ann' }, reason: 'Signed out.' })
    return orders.length > 0
  }, 'the other is told')
  for (const channel of [teller, hearer]) channel.leave()
}, 60_000)

test('two nodes that redirect to each other are asked a few times, not thousands', async () => {
  const nodes = await startRedisCluster(2)
  const [one, two] = nodes as [RedisServer, RedisServer]
  const slot = await logSlot(one)
  await one.command('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(two))
  await two.command('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(one))
  const before = (await dialled(one)) + (await dialled(two))
  const { log, errors } = open({ url: one.url })
  await expect(append(log)).rejects.toMatchObject({ code: 'refused' })
  const begun = performance.now()
  await until(() => performance.now() - begun > 3_000, 'three seconds have passed')
  expect((await dialled(one)) + (await dialled(two)) - before).toBeLessThan(60)
  expect(errors.length).toBeLessThan(3)
  // Both nodes answer that, until they have noticed that nobody has the slot.
  expect(log.status!()).toMatchObject({
    ready: false,
    reason: expect.stringMatching(/MOVED|CLUSTERDOWN/),
    away: Infinity,
  })
  // As soon as one of them is right, that one is used.
  await two.command('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(two))
  await here(log)
})

test('the first of several named nodes may be down', async () => {
  const nodes = await startRedisCluster(2)
  await giveAll(nodes[1]!, nodes)
  const { log } = open({
    cluster: {
      rootNodes: [
        { url: `redis://127.0.0.1:${await freePort()}` },
        { socket: { host: '127.0.0.1', port: nodes[0]!.port } },
      ],
    },
  })
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
})

test('nodes behind another network are found through nodeAddressMap, with the credentials of the named node', async () => {
  const nodes = await startRedisCluster(2, {
    more: ['--cluster-announce-hostname', 'inner.invalid', '--cluster-preferred-endpoint-type', 'hostname'],
  })
  await giveAll(nodes[1]!, nodes)
  for (const node of nodes) await node.command('ACL', 'SETUSER', 'ada', 'on', '>p#/@:', '~*', '&*', '+@all')
  const nodeAddressMap = (address: string) => ({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
  const { log, errors } = open({
    cluster: {
      rootNodes: [{ url: `redis://ada:${encodeURIComponent('p#/@:')}@127.0.0.1:${nodes[0]!.port}` }],
      nodeAddressMap,
    },
  })
  expect((await append(log)).answer).toEqual({ type: 'ack', offset: 1 })
  expect(errors).toEqual([])
  expect(String(await nodes[1]!.command('CLIENT', 'LIST'))).toContain('user=ada')
})

test('under TLS a node that is redirected to by address is verified by the configured host name', async () => {
  const { key, certificate, text } = await certificateFor('localhost')
  const ports = [await freePort(), await freePort()]
  const nodes: RedisServer[] = []
  let at = 0
  const tls = () => [
    '--tls-port',
    `${ports[at++]}`,
    '--tls-cert-file',
    certificate,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    certificate,
    '--tls-auth-clients',
    'no',
    '--tls-cluster',
    'yes',
  ]
  for (const one of [tls(), tls()]) nodes.push(...(await startRedisCluster(1, { more: one })))
  const bus = /@(\d+)/.exec(String(await nodes[1]!.command('CLUSTER', 'NODES')))![1]!
  await nodes[0]!.command('CLUSTER', 'MEET', '127.0.0.1', `${ports[1]}`, bus)
  await until(
    async () =>
      String(await nodes[0]!.command('CLUSTER', 'NODES'))
        .trim()
        .split('\n').length === 2,
    'they know each other',
  )
  await giveAll(nodes[1]!, nodes)
  for (const given of [
    { client: createClient({ url: `rediss://localhost:${ports[0]}`, socket: { tls: true, ca: text } }) },
    { cluster: { rootNodes: [{ url: `rediss://localhost:${ports[0]}` }], defaults: { socket: { ca: text } } } },
  ]) {
    const { log, errors } = open(given)
    expect((await append(log)).answer).toMatchObject({ type: 'ack' })
    expect(errors).toEqual([])
  }
})

test('while the slot migrates to another node publishes are refused with a retryAfter, and afterwards all goes on without a gap', async () => {
  const nodes = await startRedisCluster(2)
  const [from, to] = nodes as [RedisServer, RedisServer]
  await giveAll(from, nodes)
  const { log, errors } = open({ url: from.url })
  await append(log)
  const tail = await follow(log)
  const slot = await logSlot(from)
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from))
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to))
  const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, '100')) as string[]
  await from.command('MIGRATE', '127.0.0.1', `${to.port}`, '', '0', '5000', 'KEYS', ...keys)
  await expect(append(log)).rejects.toMatchObject({ code: 'refused', retryAfter: expect.any(Number) })
  for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(to))
  await until(
    async () =>
      await append(log).then(
        () => true,
        () => false,
      ),
    'publishes are stored again',
  )
  await until(() => tail.offsets().length > 0, 'it is told of')
  // All data was migrated, so nobody has missed anything.
  expect(tail.epochs()).toEqual([])
  expect(tail.offsets()).toEqual([2])
  expect(errors.length).toBeLessThan(5)
})
