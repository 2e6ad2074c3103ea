import { systemClock, type Clock } from '../base/clock.js'
import { clientChecks } from './client-checks.js'
import { openStage, type SocketServer, type StartClient } from './client-stage.js'
import type { Finding } from './conformance.js'
import { RuleBroken } from './frame-client.js'

export interface ClientConformanceOptions {
  readonly start: StartClient
  /** Starts a WebSocket server on a free port of this machine; it selects `livesocket.v1` if that is offered. */
  readonly serve: () => Promise<SocketServer>
  /** Milliseconds that any answer may take. Default 2,000. */
  readonly patience?: number
  /** Runs only checks whose rule or title contains this text. Default: all. */
  readonly only?: string
  readonly clock?: Clock
  found?(finding: Finding): void
}

/** Tests a client against servers that follow a script: one server for each check, each with a client of its own. */
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
        why: thrown instanceof RuleBroken ? why : `unexpected: ${why}`,
      }
    } finally {
      server.close()
    }
    findings.push(finding)
    found(finding)
  }
  return findings
}
