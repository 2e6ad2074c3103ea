import type { Random } from '../../src/base/clock.js'
import { handoverDialDelay, reconnectDelay, spreadDelay } from '../../src/policy/delay.js'
import { createRetryBudget } from '../../src/policy/retry-budget.js'
import { createDrain, type Drain } from '../../src/server/drain/drain.js'
import type { ServerLeg } from '../../src/server/legs/leg-contract.js'
import type { ServerEvent } from '../../src/server/server-event.js'
import { createCounter, type Counter } from './capacity.js'
import { createGreetingNode, type GreetingNode, type Hello } from './greeting-node.js'
import { createStage } from './stage.js'
import { createStepClock, type StepClock } from '../../test/kit/step-clock.js'

/** Several nodes drain at once into one node that greets fewer clients than they send. Durations are milliseconds. */
export interface SlowDrainOptions {
  /** How many nodes are drained, and the legs of each. */
  readonly drains: number
  readonly legs: number
  /** The rate of each drain. */
  readonly rate: number
  readonly deadline: number
  readonly extendable: boolean
  /** Hellos a second that the receiving node can greet. */
  readonly taker: number
  readonly dial: number
  readonly random: Random
  readonly horizon: number
}

export interface Drained {
  readonly dials: Counter
  readonly greeted: Counter
  readonly moved: number
  readonly forced: number
  /** Clients that were not live for some time, and the longest such time. */
  readonly notLive: number
  readonly longestDown: number
  /** The time until all clients were live on the receiving node. Null: not within the run. */
  readonly took: number | null
  /** The reports that the deadline cannot be met, with their times. */
  readonly late: readonly { readonly at: number; readonly needs: number | null }[]
}

const NETWORK = 20
const CONNECT_TIMEOUT = 10_000
/** The spread of clients that lost their leg without a request to hand over. */
const SPREAD = 30_000

export function simulateSlowDrains(options: SlowDrainOptions): Drained {
  const clock = createStepClock()
  const taker = createGreetingNode('admission', clock, createStage(clock, options.taker, options.dial / 2))
  const seen = {
    dials: createCounter(options.horizon),
    greeted: createCounter(options.horizon),
    moved: 0,
    forced: 0,
    live: 0,
    down: [] as number[],
    late: [] as { at: number; needs: number | null }[],
  }
  const world: World = { options, clock, taker, seen }
  const drains = Array.from({ length: options.drains }, () => startDrain(world))
  const all = options.drains * options.legs
  const { rate, deadline, extendable } = options
  for (const drain of drains) void drain.start({ rate, deadline, extendable, endWhenAlone: false })
  let took: number | null = null
  while (took === null && clock.monotonic() < options.horizon) {
    clock.advance(250)
    if (seen.live === all) took = clock.monotonic()
  }
  // The drained nodes learn a moment later that their clients have left.
  clock.advance(1_000)
  for (const drain of drains) drain.cancel()
  const { dials, greeted, moved, forced, down, late } = seen
  return { dials, greeted, moved, forced, took, late, notLive: down.length, longestDown: Math.max(0, ...down) }
}

interface World {
  readonly options: SlowDrainOptions
  readonly clock: StepClock
  readonly taker: GreetingNode
  readonly seen: {
    readonly dials: Counter
    readonly greeted: Counter
    moved: number
    forced: number
    live: number
    readonly down: number[]
    readonly late: { at: number; needs: number | null }[]
  }
}

/** The server's own drain, over simulated legs. */
function startDrain(world: World): Drain {
  const { clock, options, seen } = world
  const legs = new Set<ServerLeg<unknown>>()
  const drain = createDrain({
    clock,
    legs: () => legs,
    refusePending: () => undefined,
    asked: () => undefined,
    handedOver: () => undefined,
    onEvent: (event: ServerEvent) => {
      if (event.type === 'drain-late') seen.late.push({ at: clock.monotonic(), needs: event.needs })
    },
    onError: () => undefined,
  })
  for (let at = 0; at < options.legs; at++) legs.add(legOf(new Moving(world, () => drain)))
  return drain
}

/** The part of a leg that a drain uses. */
function legOf(client: Moving): ServerLeg<unknown> {
  const leg = {
    send: (frame: { type: string; deadline?: number; spread?: number }) => {
      if (frame.type === 'handover') client.asked(frame.deadline!, frame.spread ?? 0)
    },
    fail: () => client.cutOff(),
  } as unknown as ServerLeg<unknown>
  client.leg = leg
  return leg
}

/** One client, from the request to hand over to its next welcome. */
class Moving {
  leg: ServerLeg<unknown> | null = null
  readonly #world: World
  readonly #drain: () => Drain
  readonly #retries
  #deadline = Infinity
  #dialling = false
  #tries = 0
  #failures = 0
  #lostAt: number | null = null
  #live = false

  constructor(world: World, drain: () => Drain) {
    this.#world = world
    this.#drain = drain
    this.#retries = createRetryBudget(world.clock)
  }

  asked(deadline: number, spread: number) {
    const { clock, options } = this.#world
    this.#deadline = clock.monotonic() + deadline
    // A second request brings a new deadline, and the client continues its dial.
    if (this.#dialling) return
    this.#dialling = true
    const delay = spreadDelay({ spread, deadline, dialTime: 3 * options.dial }, options.random)
    clock.setTimeout(() => this.#dial(), NETWORK + delay)
  }

  /** The server closes the old leg. */
  cutOff() {
    const { clock, seen, options } = this.#world
    if (this.#live) return
    seen.forced++
    this.#drain().gone(this.leg!)
    this.#lostAt = clock.monotonic()
    if (this.#dialling) return
    this.#dialling = true
    clock.setTimeout(() => this.#dial(), reconnectDelay({ failures: 0, spread: SPREAD }, options.random))
  }

  #dial() {
    const { clock, taker, seen, options } = this.#world
    seen.dials.add(clock.monotonic())
    let gone = false
    const hello: Hello = {
      patience: CONNECT_TIMEOUT,
      get gone() {
        return gone
      },
      welcomed: () => {
        gone = true
        clock.setTimeout(() => this.#welcomed(), NETWORK)
      },
      busy: ({ retryAfter, spread }) => {
        gone = true
        clock.setTimeout(() => this.#busy(retryAfter, spread), NETWORK)
      },
      heard: () => undefined,
    }
    clock.setTimeout(() => taker.hello(hello), options.dial * (0.5 + options.random()))
  }

  #welcomed() {
    const { clock, seen } = this.#world
    this.#live = true
    seen.live++
    seen.greeted.add(clock.monotonic())
    if (this.#lostAt !== null) return void seen.down.push(clock.monotonic() - this.#lostAt)
    clock.setTimeout(() => {
      seen.moved++
      this.#drain().gone(this.leg!)
    }, NETWORK)
  }

  #busy(retryAfter: number, spread: number | undefined) {
    const { clock, options } = this.#world
    const { random } = options
    const told = { retryAfter, ...(spread === undefined ? undefined : { spread }) }
    if (this.#lostAt === null) {
      clock.setTimeout(() => this.#drain().delayed(this.leg!, retryAfter), NETWORK)
      const latest = this.#deadline - clock.monotonic() - 3 * options.dial
      const delay = handoverDialDelay({ n: this.#tries++, latest, ...told }, random)
      return void clock.setTimeout(() => this.#dial(), Math.max(delay, this.#retries.take()))
    }
    const failures = spread === undefined ? this.#failures++ : 0
    const delay = reconnectDelay({ failures, busy: true, ...told, spread: spread ?? SPREAD }, random)
    clock.setTimeout(() => this.#dial(), Math.max(delay, this.#retries.take()))
  }
}
