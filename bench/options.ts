import { parseArgs } from 'node:util'
import { RESULTS } from './kit/results.js'
import { PARTS } from './parts.js'

export interface BenchOptions {
  readonly help: boolean
  readonly parts: readonly string[]
  readonly rounds: number
  readonly baseline?: string
  readonly only: readonly string[]
  readonly small: boolean
  readonly json: boolean
  readonly out: string
}

export const HELP = `npm run bench                            LiveSocket beside other client libraries and servers, all parts in one run
  -- PART …                              only these: ${PARTS.map(({ name }) => name).join(', ')}
  -- --baseline DIR|TGZ                  another build of the package, a folder or what npm pack made, in the same run, as "LiveSocket before"
  -- --only NAME                         only this contender, or several; everything whose name begins so
  -- --rounds 5                          of which the medians are told
  -- --small                             seconds instead of most of an hour: shows that it works, and nothing else
  -- --json                              one JSON object
  -- --out DIR                           where JSON, Markdown and charts are left; default bench/results`

/** Throws with a sentence for what it cannot read. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      baseline: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      small: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string', default: RESULTS },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const unknown = positionals.find((name) => !PARTS.some((part) => part.name === name))
  if (unknown !== undefined)
    throw new Error(`There is no part "${unknown}". There are: ${PARTS.map(({ name }) => name).join(', ')}.`)
  const rounds = Number(values.rounds ?? (values.small ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds must be a whole number from 1 on, not "${values.rounds}".`)
  const { help, baseline, only, small, json, out } = values
  return { help, parts: positionals, rounds, only, small, json, out, ...(baseline !== undefined && { baseline }) }
}
