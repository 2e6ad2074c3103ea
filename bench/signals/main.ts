// npm run bench:signals: how long a signal takes from sender to receiver, compared in turns with a bare ws relay in the
// same process. It measures the built package. Each round has processes of its own; the result is the median of the
// rounds' ratios.
import { parseArgs } from 'node:util'
import { startProgram } from '../cluster/program.js'
import { percentile, spread } from '../kit/spread.js'
import { createStage, type Staged } from '../kit/stage.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    samples: { type: 'string', default: '10000' },
    baseline: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const samples = Number(values.samples)

const SHARES = { p50: 0.5, p99: 0.99 } as const
type Share = keyof typeof SHARES

async function measure(build: Staged) {
  const relay = startProgram(build.program('signals/relay'), {})
  const clients = startProgram(build.program('signals/clients'), {})
  try {
    const urls = await relay.ask<{ live: string; bare: string }>('listen')
    return await clients.ask<Record<'signal' | 'ws', number[]>>('measure', { ...urls, samples, warmUp: 1_000 })
  } finally {
    for (const program of [clients, relay]) {
      program.kill('SIGKILL')
      await program.exit
    }
  }
}

process.env['NODE_ENV'] = 'production'
const stage = await createStage(values.baseline === undefined ? {} : { baseline: values.baseline })
try {
  const ratios = new Map<Staged, Record<Share, number[]>>()
  for (let round = 1; round <= rounds; round++) {
    for (const build of stage.builds) {
      const took = await measure(build)
      const all = ratios.get(build) ?? { p50: [], p99: [] }
      ratios.set(build, all)
      const told = (Object.keys(SHARES) as Share[]).map((name) => {
        const [signal, ws] = [percentile(took.signal, SHARES[name]), percentile(took.ws, SHARES[name])]
        all[name].push(signal / ws)
        return `${name} ${signal.toFixed(3)} against ${ws.toFixed(3)} ms, ${(signal / ws).toFixed(2)} ×`
      })
      console.log(`${round}/${rounds} signal${build.suffix}, ${took.signal.length} heard: ${told.join('; ')}`)
    }
  }
  for (const [{ suffix }, all] of ratios)
    for (const name of Object.keys(SHARES) as Share[]) {
      const { median, least, most } = spread(all[name])
      console.log(
        `signal${suffix} over ws, ${name}: ${median.toFixed(2)} × (${least.toFixed(2)} to ${most.toFixed(2)})`,
      )
    }
} finally {
  await stage.remove()
}
