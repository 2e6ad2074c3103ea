// npx tsx test/presence/drive.ts 300 500 20 15000: members, handovers, kills, lease. Prints the result.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WebSocket } from 'ws'
import { startProgram, type Program } from '../../bench/cluster/program.js'
import { systemClock } from '../../src/base/clock.js'
import { createLiveSocket, type LiveSocket } from '../../src/index.js'
import { presence, type Member, type Presence } from '../../src/presence/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { startRedisServer } from '../kit/redis-server.js'
import type { DriveNode } from './drive-node.js'
import { watchStalls } from './stall.js'

export interface DriveOptions {
  readonly members: number
  readonly moves: number
  readonly kills: number
  /** The lease of a node, ms. */
  readonly lease: number
}

export interface DriveResult {
  readonly moves: number
  readonly kills: number
  /** How often a member that was present was not shown to some client. */
  readonly flickers: number
  /**
   * Members whose machines died together with their node, and how often some client was shown a second leave of one of
   * them.
   */
  readonly died: number
  readonly leftTwice: number
  /** The longest time, ms, from a kill until no client showed the members that died with it. */
  readonly longestLeaving: number
  /** How often, one second after everything had come to rest, a client's list differed from the server's. */
  readonly different: number
  /** The longest time after such a moment for which a list differed from the server's, ms. */
  readonly longestCalm: number
  /**
   * The longest stall of the clients' process, and of a server's, ms. On a machine that is busy with other things, a
   * bound that is exceeded by less than this says nothing about the code.
   */
  readonly longestStall: { readonly clients: number; readonly servers: number }
}

interface Node {
  readonly program: Program
  readonly address: string
}

interface Client {
  readonly name: string
  readonly socket: LiveSocket
  readonly here: Presence<number, string>
  node: Node
  alive: boolean
}

/** The text of each list that was shown. A list is a new object whenever something in it has changed. */
const texts = new WeakMap<object, string>()

function textOf(list: readonly object[]): string {
  const text = texts.get(list) ?? JSON.stringify(list)
  texts.set(list, text)
  return text
}

const pause = (ms: number) => new Promise<void>((resolve) => void systemClock.setTimeout(resolve, ms))

async function until(holds: () => boolean | Promise<boolean>, patience: number): Promise<number> {
  const from = performance.now()
  while (!(await holds()) && performance.now() - from < patience) await pause(20)
  return performance.now() - from
}

const PROGRAM = fileURLToPath(new URL('drive-node.ts', import.meta.url))

/**
 * Three server processes on one Redis, which are killed one after the other, and members that come and go all the time.
 */
export async function drivePresence({ members, moves, kills, lease }: DriveOptions): Promise<DriveResult> {
  const redis = await startRedisServer()
  const random = seededRandom(1)
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!
  const nodes: Node[] = []
  const clients: Client[] = []
  const stalled = watchStalls()
  const result = {
    moves: 0,
    kills: 0,
    flickers: 0,
    died: 0,
    leftTwice: 0,
    longestLeaving: 0,
    different: 0,
    longestCalm: 0,
    longestStall: { clients: 0, servers: 0 },
  }

  async function startNode() {
    const program = startProgram(PROGRAM, { redis: redis.url, lease } satisfies DriveNode, ['--import', 'tsx'])
    nodes.push({ program, address: await program.ask<string>('address') })
  }

  function startClient(name: string) {
    const client = { name, node: pick(nodes), alive: true } as { -readonly [Key in keyof Client]: Client[Key] }
    client.socket = createLiveSocket({
      url: () => client.node.address,
      // On a busy machine the drive takes longer than the default lifetime of a token.
      getToken: async () => ({ token: name, ttl: 24 * 3_600_000 }),
      handover: { dwell: 0 },
      // A client that is hit twice within half a minute would conclude that the service cannot stay up. It would then
      // wait for longer than the lease, and would have left.
      reconnect: { cap: 2_000 },
      environment: { WebSocket },
    })
    client.here = presence<number, string>(client.socket, 'room', { data: 0, onError: () => undefined })
    client.here.members.subscribe((now, before) => client.alive && watch(name, now, before))
    client.socket.connect()
    clients.push(client)
  }

  /**
   * The leaves that each client was shown, as `viewer member`. Nobody may see a present member leave, or one leave
   * twice.
   */
  const gone = new Set<string>()
  const alive = new Set<string>()
  function watch(viewer: string, now: readonly Member<number, string>[], before: readonly Member<number, string>[]) {
    if (before.length === 0) return
    const there = new Set(now.map(({ user }) => user))
    for (const { user } of before) {
      if (there.has(user)) continue
      const seen = `${viewer} saw ${user} go`
      if (alive.has(user)) result.flickers++
      else if (gone.has(seen)) result.leftTwice++
      gone.add(seen)
    }
  }

  /**
   * All clients show the server's list one second after the last event. The time of a list's change counts: looking at
   * 300 lists may itself take a second, and would find them equal by then.
   */
  async function calm() {
    const living = clients.filter((client) => client.alive)
    const from = performance.now()
    let late = 0
    const same = async () => {
      const truth = JSON.stringify(await nodes[0]!.program.ask('members'))
      const seen = performance.now() - from
      if (living.every(({ here }) => textOf(here.members.getState()) === truth)) return true
      late = seen
      return false
    }
    await until(same, 30_000)
    result.longestCalm = Math.max(result.longestCalm, late)
    if (late > 1_000) result.different++
  }

  async function noteStall({ program }: Node) {
    const { longestStall } = result
    longestStall.servers = Math.max(longestStall.servers, await program.ask<number>('stalled'))
    longestStall.clients = stalled()
  }

  async function move() {
    const client = pick(clients.filter((one) => one.alive))
    const from = client.node
    client.node = pick(nodes.filter((node) => node !== from))
    await client.socket.handover().catch(() => undefined)
    result.moves++
    if (random() < 0.2) void client.here.update(result.moves).catch(() => undefined)
  }

  /** Kills a node, and a tenth of its members' machines with it; the other members reconnect elsewhere. */
  async function kill() {
    // Its replacement is started first, because starting a process takes the drive's own processor.
    await startNode()
    const dead = pick(nodes.slice(0, -1))
    nodes.splice(nodes.indexOf(dead), 1)
    const on = clients.filter((client) => client.alive && client.node === dead)
    const dying = on.slice(0, Math.ceil(on.length / 10))
    for (const client of on) client.node = pick(nodes)
    for (const client of dying) {
      client.alive = false
      alive.delete(client.name)
    }
    await noteStall(dead)
    const at = performance.now()
    dead.program.kill('SIGKILL')
    await dead.program.exit
    for (const client of dying) client.socket.close()
    const names = new Set(dying.map(({ name }) => name))
    const living = clients.filter((client) => client.alive)
    await until(
      () => living.every(({ here }) => here.members.getState().every(({ user }) => !names.has(user))),
      3 * lease + 10_000,
    )
    result.longestLeaving = Math.max(result.longestLeaving, performance.now() - at)
    result.kills++
    result.died += dying.length
    for (const { name } of dying) {
      startClient(`${name}'`)
      alive.add(`${name}'`)
    }
    const present = clients.filter((one) => one.alive)
    await until(() => present.every(({ here }) => here.members.getState().length === present.length), 30_000)
    await calm()
  }

  try {
    for (let at = 0; at < 3; at++) await startNode()
    for (let at = 0; at < members; at++) startClient(`member ${at}`)
    await until(() => clients.every(({ here }) => here.members.getState().length === members), 60_000)
    for (const { name } of clients) alive.add(name)
    await calm()
    const perKill = Math.ceil(moves / Math.max(1, kills))
    for (let left = moves; left > 0; left -= perKill) {
      for (let at = 0; at < Math.min(perKill, left); at += 10)
        await Promise.all(Array.from({ length: Math.min(10, perKill - at, left - at) }, move))
      await calm()
      if (result.kills < kills) await kill()
    }
    for (const node of nodes) await noteStall(node)
    return result
  } finally {
    for (const { socket } of clients) socket.close()
    for (const { program } of nodes) program.kill('SIGKILL')
    await Promise.all(nodes.map(({ program }) => program.exit))
    await redis.close()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [members = 300, moves = 500, kills = 20, lease = 15_000] = process.argv.slice(2).map(Number)
  console.log(await drivePresence({ members, moves, kills, lease }))
  process.exit(0)
}
