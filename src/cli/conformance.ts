import { systemClock, type Clock } from '../base/clock.js'
import { drainChecks } from './drain-checks.js'
import { legChecks } from './leg-checks.js'
import { publishChecks } from './publish-checks.js'
import { createStand, type Stand, type StandOptions } from './stand.js'
import { topicChecks } from './topic-checks.js'
import { RuleBroken, Untried } from './wire.js'

export interface Check {
  /** The clause of PROTOCOL that it is about. */
  readonly rule: string
  readonly title: string
  /** It takes ten seconds or so. */
  readonly slow?: boolean
  run(stand: Stand): Promise<void>
}

export interface Finding {
  readonly rule: string
  readonly title: string
  readonly verdict: 'holds' | 'fails' | 'untried'
  /** Why it fails, or could not be tried. */
  readonly why?: string
}

export interface ConformanceOptions extends StandOptions {
  /** Also what takes ten seconds or so. Default true. */
  readonly slow?: boolean
  /** Only checks whose rule or title has this in it. Default: all. */
  readonly only?: string
  readonly clock?: Clock
  found?(finding: Finding): void
}

const UNTRIED: Finding[] = [
  { rule: 'server rule 3', title: 'requests to move are paced', verdict: 'untried', why: 'the pace shows only with thousands of clients' },
  { rule: 'server rule 8', title: 'a change of epoch is told before its messages', verdict: 'untried', why: 'a log does not lose its tail on request' },
  { rule: 'server rule 9', title: 'what is hidden is hidden on all legs', verdict: 'untried', why: 'only the server knows what it hides' },
]

/** Drives a server through PROTOCOL's server rules. Checks run one after the other, each on topics and sessions of its own; the drain comes last. */
export async function conformance({ slow = true, only = '', clock = systemClock, found = () => undefined, ...options }: ConformanceOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  const note = (finding: Finding) => {
    findings.push(finding)
    found(finding)
  }
  const wanted = ({ rule, title }: { rule: string; title: string }) => `${rule} ${title}`.includes(only)
  const checks = [...legChecks, ...topicChecks, ...publishChecks].filter(wanted)
  // What only waits need not be waited for.
  const slowly = checks.filter((check) => check.slow).map((check) => tried(check, slow ? createStand(options) : null))
  for (const check of checks) if (!check.slow) note(await tried(check, createStand(options)))
  for (const check of slowly) note(await check)
  for (const finding of UNTRIED.filter(wanted)) note(finding)
  for (const check of drainChecks().filter(wanted)) note(await tried(check, createStand({ ...options, clock })))
  return findings
}

async function tried({ rule, title, run }: Check, stand: Stand | null): Promise<Finding> {
  if (!stand) return { rule, title, verdict: 'untried', why: 'it takes long, and was left out' }
  try {
    await run(stand)
    return { rule, title, verdict: 'holds' }
  } catch (thrown) {
    if (thrown instanceof Untried) return { rule, title, verdict: 'untried', why: thrown.message }
    if (thrown instanceof RuleBroken) return { rule, title, verdict: 'fails', why: thrown.message }
    return { rule, title, verdict: 'fails', why: `something unforeseen: ${thrown instanceof Error ? thrown.message : String(thrown)}` }
  } finally {
    stand.done()
  }
}
