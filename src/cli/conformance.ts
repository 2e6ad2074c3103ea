import type { Check } from './check.js'
import { drainChecks } from './drain-checks.js'
import { legChecks } from './leg-checks.js'
import { publishChecks } from './publish-checks.js'
import { epochChecks } from './epoch-checks.js'
import { createCheckContext, whyNotWelcomed, type CheckContext, type CheckOptions } from './check-context.js'
import { topicChecks } from './topic-checks.js'
import { visibilityChecks } from './visibility-checks.js'
import { RuleBroken, Untried } from './frame-client.js'

export interface Finding {
  readonly rule: string
  readonly title: string
  readonly verdict: 'holds' | 'fails' | 'untried'
  /** Why it fails, or could not be tried. */
  readonly why?: string
}

export interface ConformanceOptions extends CheckOptions {
  /** Whether to run checks that take some ten seconds as well. Default true. */
  readonly slow?: boolean
  /** Runs only checks whose rule or title contains this text. Default: all. */
  readonly only?: string
  found?(finding: Finding): void
}

/** If this fails, nothing else need be tried. */
const OPENS: Check = {
  rule: 'transport',
  title: 'opens a WebSocket',
  // A server that does not accept our subprotocol fails another rule's check.
  run: (context) =>
    context.open().then(
      () => undefined,
      () => context.open([]).then(() => undefined),
    ),
}

/** If the server welcomes nobody, every other check would only report that again. */
const WELCOMES: Check = {
  rule: 'hello',
  title: 'welcomes a client',
  async run(context) {
    const client = await context.open().catch(() => null)
    if (!client) return
    client.send(context.hello({}))
    await client.next(['welcome', 'error']).catch(() => null)
    const why = await whyNotWelcomed(client, context.token)
    if (why !== null) throw new RuleBroken(why)
  },
}

/**
 * Tests a server against the protocol's server rules. Checks run one after the other, each on topics and sessions of
 * its own. The loss of the log and the drain come last.
 */
export async function conformance({
  slow = true,
  only = '',
  found = () => undefined,
  ...options
}: ConformanceOptions): Promise<Finding[]> {
  const context = () => createCheckContext(options)
  const findings: Finding[] = []
  const note = (finding: Finding) => {
    findings.push(finding)
    found(finding)
  }
  const wanted = ({ rule, title }: { rule: string; title: string }) => `${rule} ${title}`.includes(only)
  const checks = [...legChecks, ...topicChecks, ...publishChecks, ...visibilityChecks].filter(wanted)
  for (const first of [OPENS, WELCOMES]) {
    const finding = await tried(first, context())
    const holds = finding.verdict === 'holds'
    // Success is shown by all other checks, so it is reported only if this one was asked for.
    if (!holds || (only !== '' && wanted(first))) note(finding)
    if (!holds) return findings
  }
  // The slow checks only wait, so they run beside the others.
  const slowly = checks.filter((check) => check.slow).map((check) => tried(check, slow ? context() : null))
  for (const check of checks) if (!check.slow) note(await tried(check, context()))
  for (const check of slowly) note(await check)
  for (const check of [...epochChecks, ...drainChecks()].filter(wanted)) note(await tried(check, context()))
  return findings
}

async function tried({ rule, title, run }: Check, context: CheckContext | null): Promise<Finding> {
  if (!context) return { rule, title, verdict: 'untried', why: 'it takes long, and was skipped' }
  try {
    await run(context)
    return { rule, title, verdict: 'holds' }
  } catch (thrown) {
    if (thrown instanceof Untried) return { rule, title, verdict: 'untried', why: thrown.message }
    if (thrown instanceof RuleBroken) return { rule, title, verdict: 'fails', why: thrown.message }
    return {
      rule,
      title,
      verdict: 'fails',
      why: `unexpected: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }
  } finally {
    context.done()
  }
}
