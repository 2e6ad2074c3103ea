import type { FleetSettings } from './options.js'
import { simulate, type Outcome } from './scenarios.js'
import { count, duration, percent } from './table.js'

export interface Advice {
  /**
   * For `createLiveServer({ reconnectSpread: { rate } })`: connections a second that each node can be asked to take.
   */
  readonly reconnectRate: number
  /** The spread that each node then advertises for its share of the users, ms. */
  readonly reconnectSpread: number
  /** For `drain({ rate, deadline })`. */
  readonly drainRate: number
  readonly drainDeadline: number
  readonly tokenMeanPerSecond: number
  readonly fits: boolean
  /** The simulator's own runs with these numbers. */
  readonly proof: {
    readonly crash: Outcome
    readonly node: Outcome
    readonly drain: Outcome
    readonly tokens: Outcome
    readonly login: Outcome
  }
}

/**
 * The shares of a node's capacity that a reconnection storm and a drain may use. Together they leave room for a crash
 * in the middle of a deploy.
 */
const STORM_SHARE = 0.8
const DRAIN_SHARE = 0.2

/** Computes the rate and the spread for this capacity and these users, and then simulates them. */
export function advise(settings: FleetSettings): Advice {
  const { clients, nodes, accepts, tokenCapacity } = settings
  const legs = Math.ceil(clients / nodes)
  const reconnectRate = Math.max(1, Math.floor(accepts * STORM_SHARE))
  // Clients and servers bound a spread to 5 minutes.
  const reconnectSpread = Math.min(300_000, Math.ceil((legs / reconnectRate) * 1_000))
  const drainRate = Math.max(1, Math.floor((nodes - 1) * accepts * DRAIN_SHARE))
  const drainDeadline = Math.ceil((legs / drainRate) * 1.2) * 1_000 + 30_000
  const chosen = { ...settings, spread: reconnectSpread, rate: drainRate, legs, duration: undefined, down: undefined }
  const proof = {
    crash: simulate('fleet-crash', chosen),
    node: simulate('node-crash', chosen),
    drain: simulate('drain', chosen),
    tokens: simulate('token-outage', chosen),
    login: simulate('login-burst', { ...chosen, duration: settings.lifetime * 1.5 }),
  }
  const fits =
    proof.crash.peakPerSecond <= nodes * accepts &&
    proof.node.peakPerSecond + drainRate <= (nodes - 1) * accepts &&
    Math.max(proof.login.peakPerSecond, proof.tokens.meanPerSecond) <= tokenCapacity
  return {
    reconnectRate,
    reconnectSpread,
    drainRate,
    drainDeadline,
    tokenMeanPerSecond: proof.login.meanPerSecond,
    fits,
    proof,
  }
}

export function adviceText(settings: FleetSettings, advice: Advice): string {
  const { clients, nodes, accepts, tokenCapacity } = settings
  const { proof } = advice
  const took = advice.proof.drain.took ?? 0
  return `${count(clients)} users on ${nodes} nodes, each of which takes ${count(accepts)} new connections a second; a token service that takes ${count(tokenCapacity)}/s

  createLiveServer({ reconnectSpread: { rate: ${advice.reconnectRate} } })
      each node then advertises ${duration(advice.reconnectSpread)}
      all nodes crash:  ${count(proof.crash.peakPerSecond)} dials/s at most, of ${count(nodes * accepts)}; half live again in ${duration(proof.crash.recovered50)}, 99 % in ${duration(proof.crash.recovered99)}
      one node crashes: ${count(proof.node.peakPerSecond)} dials/s at most, of ${count((nodes - 1) * accepts)}; 99 % in ${duration(proof.node.recovered99)}

  server.drain({ rate: ${advice.drainRate}, deadline: ${advice.drainDeadline} })
      a node is empty in ${duration(took)}, at ${count(proof.drain.peakPerSecond)} dials/s at most; all ${nodes} in about ${duration(took * nodes)}
      a drain needs no spread: its pace is the spread, and a node that crashes meanwhile still fits

  token service
      ${count(advice.tokenMeanPerSecond)}/s in the mean, ${count(proof.login.peakPerSecond)}/s when everybody logged in at one moment
      down for ${duration(60_000)}: ${count(proof.tokens.peakPerSecond)} requests/s at most, ${percent(proof.tokens.expiredShare)} of users with an expired token

${advice.fits ? 'All of it fits the capacity.' : 'It does NOT fit: more nodes, more connections a second on each, a larger token service, or longer token lifetimes.'}`
}
