import type { Random } from '../../src/base/clock.js'
import { bounds } from '../../src/policy/bounds.js'
import { reconnectSpread } from '../../src/server/reconnect-spread.js'
import { createCounter, type Counter } from './capacity.js'
import type { ClientPolicy } from './client-policy.js'
import { createGreetingNode, type GreetingNode, type Hello, type NodeKind } from './greeting-node.js'
import { createStage, inTurn } from './stage.js'
import { createStepClock, type StepClock } from '../../test/kit/step-clock.js'

/** A fleet that crashes at once, comes back soon, and then greets as fast as it can. Durations are milliseconds. */
export interface ReturnOptions {
  readonly clients: number
  readonly nodes: number
  readonly kind: NodeKind
  readonly policy: ClientPolicy
  readonly random: Random
  /** The longest that the run lasts. */
  readonly horizon: number
  /** Greetings a second of each node; calls a second of the identity service and of Redis, which all nodes share. */
  readonly accepts: number
  readonly authenticates: number
  readonly redis: number
  /** Undefined: no spread is configured, and servers compute one from how fast they have greeted before. */
  readonly spread: number | undefined
  readonly down: number
  /** The mean time of a round trip. */
  readonly dial: number
}

export interface Returned {
  readonly dials: Counter
  /** Hellos that arrived at running servers. */
  readonly hellos: Counter
  readonly greeted: Counter
  readonly wentDown: Counter
  /** From the loss to the welcome, one for each client that came back. */
  readonly recoveries: Float32Array
  readonly calls: number
  readonly wasted: number
  readonly spread: number
}

/** The time within which clients notice a crash, ms. */
const NOISE = 300
/** What one call takes the identity service and Redis without a queue, ms. */
const IDENTITY = 100
const LOG = 5
/** A client in the queue leaves after this many times its patience, even if it hears from the server. */
const QUEUED = 12
/** How often the run checks whether all clients are back, ms. */
const LOOK = 1_000

/** How many clients the whole fleet can greet in a second. */
export function greetable({
  nodes,
  accepts,
  authenticates,
  redis,
}: Pick<ReturnOptions, 'nodes' | 'accepts' | 'authenticates' | 'redis'>): number {
  return Math.min(nodes * accepts, authenticates, redis)
}

export function simulateReturn(options: ReturnOptions): Returned {
  const clock = createStepClock()
  const world = new World(options, clock)
  for (let client = 0; client < options.clients; client++)
    clock.setTimeout(() => world.lose(), options.random() * NOISE)
  while (world.live < options.clients && clock.monotonic() < options.horizon) clock.advance(LOOK)
  return world.seen()
}

class World {
  readonly options: ReturnOptions
  readonly clock: StepClock
  readonly spread: number
  live = 0
  readonly #nodes: readonly GreetingNode[]
  readonly #dials: Counter
  readonly #hellos: Counter
  readonly #greeted: Counter
  readonly #wentDown: Counter
  readonly #recoveries: Float32Array

  constructor(options: ReturnOptions, clock: StepClock) {
    const { clients, nodes, kind, accepts, authenticates, redis, horizon, dial } = options
    this.options = options
    this.clock = clock
    const greets = greetable(options) / nodes
    // Servers that measure compute a spread. Clients of other servers use their own default.
    const unset = kind === 'admission' ? reconnectSpread(undefined, () => greets)(clients / nodes) : undefined
    this.spread = options.spread ?? unset ?? bounds.spread.otherwise
    const shared = [
      ...(Number.isFinite(authenticates) ? [createStage(clock, authenticates, IDENTITY)] : []),
      ...(Number.isFinite(redis) ? [createStage(clock, redis, LOG)] : []),
    ]
    this.#nodes = Array.from({ length: nodes }, () =>
      createGreetingNode(kind, clock, inTurn([createStage(clock, accepts, dial / 2), ...shared])),
    )
    this.#dials = createCounter(horizon)
    this.#hellos = createCounter(horizon)
    this.#greeted = createCounter(horizon)
    this.#wentDown = createCounter(horizon)
    this.#recoveries = new Float32Array(clients)
  }

  lose() {
    this.#wentDown.add(this.clock.monotonic())
    new Returning(this).plan(null)
  }

  /** Null while the node is down. */
  node(): GreetingNode | null {
    const now = this.clock.monotonic()
    this.#dials.add(now)
    if (now < this.options.down) return null
    this.#hellos.add(now)
    return this.#nodes[Math.floor(this.options.random() * this.#nodes.length)]!
  }

  back(lostAt: number) {
    const now = this.clock.monotonic()
    this.#greeted.add(now)
    this.#recoveries[this.live++] = now - lostAt
  }

  seen(): Returned {
    return {
      dials: this.#dials,
      hellos: this.#hellos,
      greeted: this.#greeted,
      wentDown: this.#wentDown,
      recoveries: this.#recoveries.subarray(0, this.live),
      calls: this.#nodes.reduce((sum, { calls }) => sum + calls, 0),
      wasted: this.#nodes.reduce((sum, { wasted }) => sum + wasted, 0),
      spread: this.spread,
    }
  }
}

/** One client, from the loss of its leg to the next welcome. */
class Returning {
  readonly #world: World
  readonly #lostAt: number
  readonly #trait: number
  readonly #retries: ReturnType<NonNullable<ClientPolicy['retries']>> | undefined
  #failures = 0
  #slow = 0
  /** Whether a dial has reached a server. From then on the client does not keep its place in the spread. */
  #opened = false

  constructor(world: World) {
    const { policy, random } = world.options
    this.#world = world
    this.#lostAt = world.clock.monotonic()
    this.#trait = random()
    this.#retries = policy.retries?.(world.clock)
  }

  plan(delay: number | null, price = 0) {
    const { clock, spread, options } = this.#world
    const { policy, random } = options
    const placed = this.#failures === 1 && !this.#opened
    const wait =
      delay ??
      policy.reconnectDelay({ failures: this.#failures, trait: this.#trait, spread, early: false, placed }, random)
    clock.setTimeout(() => this.#dial(), Math.max(price, wait))
  }

  #again(delay: number | null) {
    this.#failures++
    this.plan(delay, this.#retries?.take() ?? 0)
  }

  #dial() {
    const { clock, options } = this.#world
    const node = this.#world.node()
    const trip = options.dial * (0.5 + options.random())
    if (!node) clock.setTimeout(() => this.#again(null), trip / 2)
    else clock.setTimeout(() => this.#say(node), trip / 2)
  }

  #say(node: GreetingNode) {
    const { clock, spread, options } = this.#world
    const { policy, random } = options
    this.#opened = true
    const patience = policy.patience?.(this.#slow)
    const dialled = clock.monotonic()
    let heardAt = dialled
    let gone = false
    const hello: Hello = {
      ...(patience === undefined ? undefined : { patience }),
      get gone() {
        return gone
      },
      welcomed: () => {
        gone = true
        this.#world.back(this.#lostAt)
      },
      busy: ({ retryAfter, spread: own }) => {
        gone = true
        const ask = { failures: this.#failures, spread, retryAfter, ...(own === undefined ? undefined : { own }) }
        this.#again(policy.busyDelay?.(ask, random) ?? null)
      },
      heard: () => void (heardAt = clock.monotonic()),
    }
    const look = (wait: number) => {
      clock.setTimeout(() => {
        if (gone) return
        const until = Math.min(heardAt + patience!, dialled + QUEUED * patience!)
        if (until > clock.monotonic()) return look(until - clock.monotonic())
        gone = true
        this.#slow++
        node.left(hello)
        this.#again(null)
      }, wait)
    }
    if (patience !== undefined) look(patience)
    node.hello(hello)
  }
}
