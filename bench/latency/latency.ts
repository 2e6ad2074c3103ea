import { startProgram } from '../cluster/program.js'
import type { Contender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { inTurns, type Round } from '../kit/turns.js'
import type { KindName } from '../server/kinds.js'
import type { LatencyAsk } from './client.js'

interface LatencyContender extends Contender {
  readonly kind: KindName
}

type Size = Pick<LatencyAsk, 'samples' | 'warmUp'>

async function latency({ kind, build }: LatencyContender, ask: LatencyAsk): Promise<{ p50: number; p99: number }> {
  const server = startProgram(build.program('latency/sides'), { kind })
  const { urls } = await server.ask<{ urls: string[] }>('listen')
  const client = startProgram(build.program('latency/client'), { kind, urls })
  try {
    return await client.ask('measure', ask)
  } finally {
    for (const program of [client, server]) program.kill('SIGKILL')
    await Promise.all([client.exit, server.exit])
  }
}

async function measure(contender: LatencyContender, size: Size): Promise<Round> {
  const idle = await latency(contender, { ...size, topics: 1, moving: false })
  const found = { 'idle, p50': idle.p50, 'idle, p99': idle.p99 }
  // The other libraries have neither topics nor handovers.
  if (contender.kind !== 'livesocket') return found
  const overlap = await latency(contender, { ...size, topics: 1, moving: true })
  const many = await latency(contender, { ...size, topics: 100, moving: false })
  return {
    ...found,
    'in an overlap, p50': overlap.p50,
    'in an overlap, p99': overlap.p99,
    'overlap over idle, p99': overlap.p99 / idle.p99,
    '100 topics, p50': many.p50,
    '100 topics, p99': many.p99,
  }
}

async function run(ask: Ask): Promise<readonly Measure[]> {
  const size = ask.small ? { samples: 30, warmUp: 10 } : { samples: 1_000, warmUp: 200 }
  const contenders: LatencyContender[] = [
    ...ask.stage.builds.map(
      (build): LatencyContender => ({ name: `LiveSocket${build.suffix}`, kind: 'livesocket', build }),
    ),
    { name: 'ws', kind: 'ws', build: ask.stage.present },
    { name: 'socket.io', kind: 'socket-io', build: ask.stage.present },
  ]
  const units = {
    'idle, p50': 'ms',
    'idle, p99': 'ms',
    'in an overlap, p50': 'ms',
    'in an overlap, p99': 'ms',
    'overlap over idle, p99': '×',
    '100 topics, p50': 'ms',
    '100 topics, p99': 'ms',
  } as const
  return inTurns(ask, ask.wanted(contenders), units, (contender) => measure(contender, size))
}

export const latencyPart: Part = {
  name: 'latency',
  title: 'From publish to callback',
  how: 'A client process and a server process on loopback; the client publishes 100 messages a second and subscribes to them itself. In an overlap: published and received while both legs of a handover are open.',
  run,
}
