import type { Contender } from './contender.js'
import type { Spread } from './spread.js'
import type { Stage } from './stage.js'

/** One number of one contender. */
export interface Measure extends Spread {
  readonly contender: string
  /** The measured quantity. Measures with the same name are compared. */
  readonly what: string
  readonly unit: Unit
}

/** `×`: a multiple. The text `Part.how` says of what. */
export type Unit = 'B' | '×' | 'ms' | 'µs' | '%' | '/s'

/** The arguments of a run. */
export interface Ask {
  readonly stage: Stage
  readonly rounds: number
  /** A run that only shows that the measurement works. */
  readonly small: boolean
  /** Filters the contenders of a part by the command line. */
  wanted<Of extends Contender>(contenders: readonly Of[]): readonly Of[]
  /** Reports progress. */
  say(text: string): void
}

/** A part of the benchmark, which can also run alone. */
export interface Part {
  readonly name: string
  readonly title: string
  /** How the part measures, in a sentence or two, and what 1 means if it has multiples. */
  readonly how: string
  run(ask: Ask): Promise<readonly Measure[]>
}
