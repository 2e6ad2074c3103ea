import { systemClock, type Clock } from '../base/clock.js'
import { clientChecks } from './client-checks.js'
import { openStage, type SocketServer, type StartClient } from './client-stage.js'
import type { Finding } from './conformance.js'
import { RuleBroken } from './frame-client.js'

export interface ClientConformanceOptions {
  readonly start: StartClient
  /** A WebSocket server on a free port of this machine, which selects `livesocket.v1` where it is offered. */
  readonly serve: () => Promise<SocketServer>
  /** How long anything may take, in milliseconds. Default 2,000. */
  readonly patience?: number
  /** Only checks whose rule or title has this in it. Default: all. */
  readonly only?: string
  readonly clock?: Clock
  found?(finding: Finding): void
}

/** Tries a client against servers that follow a script, one for each check, each with a client of its own. */
export async function clientConformance({
  start,
  serve,
  patience = 2_000,
  only = '',
  clock = systemClock,
  found = () => undefined,
}: ClientConformanceOptions): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { rule, title, run } of clientChecks.filter((check) => `${check.rule} ${check.title}`.includes(only))) {
    const server = await serve()
    let finding: Finding = { rule, title, verdict: 'holds' }
    try {
      const stage = await openStage(server, start, { clock, patience })
      try {
        await run(stage)
      } finally {
        stage.end()
      }
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown)
      finding = {
        rule,
        title,
        verdict: 'fails',
        why: thrown instanceof RuleBroken ? why : `something unforeseen: ${why}`,
      }
    } finally {
      server.close()
    }
    findings.push(finding)
    found(finding)
  }
  return findings
}
