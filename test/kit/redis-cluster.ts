import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.js'
import { startRedisServer, type RedisServer, type RedisServerOptions } from './redis-server.js'
import { until } from './wait.js'

/** How long news between servers may take, ms. */
const PATIENCE = 10_000

/** Redis servers in one cluster, without slots yet. They are closed at the end of the test. */
export async function startRedisCluster(size: number, options: RedisServerOptions = {}): Promise<RedisServer[]> {
  const nodes: (RedisServer & { readonly bus: number })[] = []
  for (let at = 0; at < size; at++) {
    const bus = await freePort()
    const more = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1500',
      '--cluster-require-full-coverage',
      'no',
      '--cluster-port',
      `${bus}`,
      ...(options.more ?? []),
    ]
    const node = await startRedisServer({ ...options, more })
    onTestFinished(() => node.close())
    nodes.push({ ...node, bus })
  }
  for (const node of nodes.slice(1))
    await nodes[0]!.command('CLUSTER', 'MEET', '127.0.0.1', `${node.port}`, `${node.bus}`)
  const knows = async (node: RedisServer) =>
    String(await node.command('CLUSTER', 'NODES'))
      .trim()
      .split('\n')
      .filter((line) => !line.includes('handshake')).length === size
  for (const node of nodes) await until(() => knows(node), PATIENCE, 'the nodes know each other')
  return nodes
}

export const idOf = async (node: RedisServer) => String(await node.command('CLUSTER', 'MYID'))
/** The slot of a log with the default prefix. */
export const logSlot = async (node: RedisServer) =>
  String(await node.command('CLUSTER', 'KEYSLOT', '{livesocket}:root'))

/** Gives all slots to the node, and waits until every server knows. */
export async function giveAll(node: RedisServer, nodes: readonly RedisServer[]) {
  await node.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await cover(nodes)
}

export async function cover(nodes: readonly RedisServer[]) {
  for (const each of nodes)
    await until(
      async () =>
        /cluster_state:ok[^]*cluster_slots_assigned:16384/.test(String(await each.command('CLUSTER', 'INFO'))),
      PATIENCE,
      'all slots are known',
    )
}

export async function replicate(replica: RedisServer, master: RedisServer) {
  await replica.command('CLUSTER', 'REPLICATE', await idOf(master))
  await until(
    async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    PATIENCE,
    'the replica follows',
  )
}

/** The replica takes over while its master is running. */
export async function failOver(replica: RedisServer, master: RedisServer) {
  await replica.command('CLUSTER', 'FAILOVER')
  await until(
    async () => String(await master.command('INFO', 'replication')).includes('role:slave'),
    PATIENCE,
    'the master is a replica now',
  )
}

/** Cuts all client connections, as an operator or a proxy can. */
export const cutAll = (node: RedisServer) => node.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')

/** A certificate for one host name, and its key. */
export async function certificateFor(name: string) {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-certificate-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=DNS:${name}`,
    ],
    { stdio: 'ignore' },
  )
  return { key, certificate, text: await readFile(certificate, 'utf8') }
}
