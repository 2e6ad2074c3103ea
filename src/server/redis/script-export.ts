import { keepRecords } from '../log/publish-record.js'
import { redisLimits, type RedisLimits } from './redis-limits.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'
import { LEASE, MAX_IDLE } from './session-leases.js'
import { createTopicScripts } from './topic-scripts.js'

/** Everything that a server in another language needs to share a log with ours. Durations are milliseconds. */
export interface ExportedScripts {
  /** How long a session without legs is remembered, and the most that are. */
  readonly idle: number
  readonly maxIdle: number
  /** How long a node's lease counts. */
  readonly lease: number
  /** The Lua of each operation, by its name. */
  readonly scripts: Readonly<Record<string, string>>
}

/** Throws `invalid` for a limit that is not a number within its bounds. */
export function exportScripts(given: RedisLimits = {}): ExportedScripts {
  const limits = redisLimits(given)
  const all: Script[] = [...Object.values(SCRIPTS), ...Object.values(createTopicScripts(limits))]
  return {
    idle: keepRecords(limits.dedupe),
    maxIdle: MAX_IDLE,
    lease: LEASE,
    scripts: Object.fromEntries(all.map(({ name, lua }) => [name, lua])),
  }
}
