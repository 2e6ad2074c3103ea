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
  -- --baseline DIR|TGZ                  another build of the package (a folder, or a file from npm pack) in the same run, as "LiveSocket before"
  -- --only NAME                         only this contender, or several: all whose names begin with NAME
  -- --rounds 5                          number of rounds, whose medians are shown
  -- --small                             takes seconds instead of most of an hour, only to show that it works
  -- --json                              one JSON object
  -- --out DIR                           folder for JSON, Markdown and charts; default bench/results`

/** Throws an error with a sentence about arguments that it cannot read. */
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
