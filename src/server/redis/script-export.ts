import { keepRecords } from '../log/publish-record.js'
import { redisLimits, type RedisLimits } from './redis-limits.js'
import type { Script } from './script.js'
import { SCRIPTS } from './scripts.js'
import { LEASE, MAX_IDLE } from './session-leases.js'
import { createTopicScripts } from './topic-scripts.js'

/** All that a server in another language needs to share a log with ours: durations are milliseconds. */
export interface ExportedScripts {
  /** How long a session without legs is remembered, and how many of them. */
  readonly idle: number
  readonly maxIdle: number
  /** How long a node's word counts. */
  readonly lease: number
  /** Lua, by the name of the operation. */
  readonly scripts: Readonly<Record<string, string>>
}

/** Throws `invalid` for a limit that is no number of its kind. */
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
