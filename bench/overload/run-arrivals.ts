import { freePort } from './gate.js'
import { startProgram } from './program.js'
import type { Contender } from './run-scenario.js'

/** Clients connect at an even rate to a server that is far from its limit. */
export interface ArrivalScenario {
  readonly name: string
  readonly title: string
  readonly arrivals: number
  readonly perSecond: number
  /** How many processes share the clients, so that none reaches its limit of open files or is itself slow. */
  readonly processes: number
}

export const ARRIVALS: ArrivalScenario = {
  name: 'arrivals-10000',
  title: '10,000 clients come at 500 a second, from dial to welcome',
  arrivals: 10_000,
  perSecond: 500,
  processes: 4,
}

export const SMALL_ARRIVALS: ArrivalScenario = {
  name: 'arrivals-300',
  title: '300 clients come at 300 a second, from dial to welcome',
  arrivals: 300,
  perSecond: 300,
  processes: 1,
}

/** Milliseconds. */
export interface ArrivalOutcome {
  readonly scenario: string
  readonly contender: string
  readonly arrivals: number
  readonly p50: number
  readonly p99: number
}

export async function runArrivals(scenario: ArrivalScenario, contender: Contender): Promise<ArrivalOutcome> {
  const port = await freePort()
  const node = await startProgram('node', [contender.kind, 'heeds', String(port)])
  const url = `ws://127.0.0.1:${port}`
  const { name, arrivals, perSecond, processes } = scenario
  const all = await Promise.all(Array.from({ length: processes }, () => startProgram('clients', [contender.kind, url])))
  try {
    await node.ask('listen', { options: {} })
    const share = { clients: arrivals / processes, perSecond: perSecond / processes }
    const times = (await Promise.all(all.map((clients) => clients.ask<number[]>('arrivals', share)))).flat()
    times.sort((a, b) => a - b)
    const quantile = (part: number) => times[Math.floor(times.length * part)]!
    return { scenario: name, contender: contender.name, arrivals, p50: quantile(0.5), p99: quantile(0.99) }
  } finally {
    for (const program of [node, ...all]) program.kill()
  }
}
