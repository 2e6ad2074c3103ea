export { createSimulatedClock, type SimulatedClock } from './simulated-clock.js'
export { seededRandom } from './seeded-random.js'
export type { Delivered, Observable, Observation } from './observation.js'
export type { SimulatedDevice, SimulatedEnvironment } from './simulated-device.js'
export type { ClusterSettings, Decision } from './cluster-settings.js'
export type { Behaviour } from './simulated-cluster.js'
export type { LoggedMessage, SimulatedLog } from './simulated-log.js'
export type { DrainOptions, SimulatedServer } from './simulated-server.js'
export type { SimulatedTokens } from './simulated-tokens.js'
export {
  createSimulation,
  type Deploy,
  type DeployOptions,
  type Simulation,
  type SimulationOptions,
  type WireRecord,
} from './simulation.js'
