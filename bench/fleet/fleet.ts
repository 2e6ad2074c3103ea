import type { Random } from '../../src/base/clock.js'
import { createCounter, type Counter, type Service } from './capacity.js'
import type { ClientPolicy } from './client-policy.js'
import { createEventQueue } from './event-queue.js'

export interface FleetOptions {
  readonly clients: number
  readonly policy: ClientPolicy
  readonly random: Random
  /** Milliseconds of virtual time. */
  readonly horizon: number
  /** The lifetime of every token, ms. */
  readonly lifetime: number
  readonly tokenService: Service
  readonly servers: Service
  /** The spread that the servers advertise, ms. */
  readonly spread: number
  /** The mean time from a dial to its welcome, ms. Each dial takes 0.5 to 1.5 times as long. */
  readonly dialTime: number
  /** The policy whose token schedule applies. It also provides what `policy` lacks. */
  readonly scheduleBy: ClientPolicy
}

/** The result of one run. */
export interface FleetRun {
  /** Token calls because a token was due. */
  readonly scheduledCalls: number
  /** Token calls beyond the schedule: after a failure, or because of a dial. */
  readonly extraCalls: number
  /** Clients that held an expired token at some time. */
  readonly expired: number
  readonly meanRefreshAge: number
  /** From the loss of the leg to the next welcome, one for each client that came back; unsorted, ms. */
  readonly recoveries: Float32Array
  readonly lost: number
  /** From a client's first failed token call to its next token, one for each client that got one; unsorted, ms. */
  readonly renewals: Float32Array
  /** Clients whose token call failed, counted once for each series of failures. */
  readonly failed: number
  /** Clients that lost their leg and clients that came back, in each second. */
  readonly wentDown: Counter
  readonly cameUp: Counter
}

export interface Fleet {
  /** Every client logs in at 0. */
  loginBurst(): void
  /**
   * Every client has been connected for a long time, so the ages of their tokens have their stationary distribution.
   */
  settled(): void
  /** The client loses its leg at `time`. */
  lose(client: number, time: number, early: boolean): void
  run(): FleetRun
}

/** A growing list of times, without an object for each. */
function createTimes(expected: number) {
  let times = new Float32Array(Math.max(1_024, expected))
  let count = 0
  return {
    add(time: number) {
      if (count === times.length) {
        const larger = new Float32Array(times.length * 2)
        larger.set(times)
        times = larger
      }
      times[count++] = time
    },
    values: () => times.subarray(0, count),
  }
}

const DUE = 0
const DIAL = 1

/**
 * N clients in virtual time. Each is a few numbers in typed arrays: when its token was fetched, how often that failed,
 * and when its leg was lost. Their behaviour comes entirely from the policy.
 */
export function createFleet(options: FleetOptions): Fleet {
  const { clients, policy, random, horizon, lifetime, tokenService, servers, spread, dialTime } = options
  const refreshAge = options.scheduleBy.refreshAge
  const tokenRetryDelay = policy.tokenRetryDelay ?? options.scheduleBy.tokenRetryDelay
  const deadAge = policy.deadAge?.(lifetime) ?? lifetime
  const events = createEventQueue(clients * 2, horizon)
  const bornAt = new Float64Array(clients)
  const tokenFailures = new Uint8Array(clients)
  const expired = new Uint8Array(clients)
  const traits = Float32Array.from({ length: clients }, () => random())
  const lostAt = new Float64Array(clients)
  const failures = new Uint8Array(clients)
  const early = new Uint8Array(clients)
  const wentDown = createCounter(horizon)
  const cameUp = createCounter(horizon)
  const failedAt = new Float64Array(clients)
  const recoveries = createTimes(clients)
  const renewals = createTimes(1_024)
  let failed = 0
  let lost = 0
  let scheduledCalls = 0
  let extraCalls = 0
  let ageSum = 0
  let ageCount = 0

  function drawAge(client: number) {
    const age = refreshAge!(lifetime, traits[client]!, random)
    ageSum += age
    ageCount++
    return age
  }

  function noteExpiry(client: number, time: number) {
    if (time - bornAt[client]! >= lifetime) expired[client] = 1
  }

  function refresh(client: number, time: number) {
    if (tokenFailures[client]! > 0) extraCalls++
    else scheduledCalls++
    noteExpiry(client, time)
    if (tokenService.takes(time)) {
      if (tokenFailures[client]! > 0) renewals.add(time - failedAt[client]!)
      bornAt[client] = time
      tokenFailures[client] = 0
      events.set(client * 2 + DUE, time + drawAge(client))
    } else {
      if (tokenFailures[client] === 0) {
        failedAt[client] = time
        failed++
      }
      const left = Math.max(0, bornAt[client]! + deadAge - time)
      const wait = tokenRetryDelay!({ failures: tokenFailures[client]!, left }, random)
      tokenFailures[client] = Math.min(255, tokenFailures[client]! + 1)
      events.set(client * 2 + DUE, time + wait)
    }
  }

  function planDial(client: number, time: number) {
    const [failed, wasEarly] = [failures[client]!, early[client] === 1]
    const ask = { failures: failed, trait: traits[client]!, spread, early: wasEarly, placed: failed === 1 && !wasEarly }
    events.set(client * 2 + DIAL, time + policy.reconnectDelay(ask, random))
  }

  function dial(client: number, time: number) {
    let allowed = true
    if (policy.tokenAtEveryDial) {
      // A token that was fetched for a dial is used up, even if the dial fails.
      extraCalls++
      allowed = tokenService.takes(time)
    }
    const took = dialTime * (0.5 + random())
    if (allowed && servers.takes(time)) {
      const back = time + took
      recoveries.add(back - lostAt[client]!)
      cameUp.add(back)
      failures[client] = 0
    } else {
      failures[client] = Math.min(255, failures[client]! + 1)
      planDial(client, time + took)
    }
  }

  return {
    loginBurst() {
      for (let client = 0; client < clients; client++) events.set(client * 2 + DUE, drawAge(client))
    },
    settled() {
      for (let client = 0; client < clients; client++) {
        // A random moment falls into a long interval more likely than into a short one, and anywhere within it.
        let age = refreshAge!(lifetime, traits[client]!, random)
        while (random() * lifetime > age) age = refreshAge!(lifetime, traits[client]!, random)
        const elapsed = random() * age
        bornAt[client] = -elapsed
        ageSum += age
        ageCount++
        events.set(client * 2 + DUE, age - elapsed)
      }
    },
    lose(client, time, wasEarly) {
      lostAt[client] = time
      early[client] = wasEarly ? 1 : 0
      failures[client] = 0
      lost++
      wentDown.add(time)
      planDial(client, time)
    },
    run() {
      events.run((slot, time) => (slot % 2 === DUE ? refresh(slot >> 1, time) : dial(slot >> 1, time)))
      let dead = 0
      for (let client = 0; client < clients; client++) {
        noteExpiry(client, horizon)
        dead += expired[client]!
      }
      return {
        scheduledCalls,
        extraCalls,
        expired: dead,
        meanRefreshAge: ageCount > 0 ? ageSum / ageCount : 0,
        recoveries: recoveries.values(),
        lost,
        renewals: renewals.values(),
        failed,
        wentDown,
        cameUp,
      }
    },
  }
}
