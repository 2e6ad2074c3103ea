import type { Contender } from './contender.js'
import type { Spread } from './spread.js'
import type { Stage } from './stage.js'

/** One number of one contender. */
export interface Measure extends Spread {
  readonly contender: string
  /** What was measured; those of one name are compared. */
  readonly what: string
  readonly unit: Unit
}

/** `×`: as a multiple of what `Part.one` says. */
export type Unit = 'B' | '×' | 'ms' | 'µs' | '%' | '/s'

/** What a run was asked for. */
export interface Ask {
  readonly stage: Stage
  readonly rounds: number
  /** Just enough to see that it works. */
  readonly small: boolean
  /** Those of a part's contenders that are wanted. */
  wanted<Of extends Contender>(contenders: readonly Of[]): readonly Of[]
  /** What has been done so far. */
  say(text: string): void
}

/** A part of the table that is also measured alone. */
export interface Part {
  readonly name: string
  readonly title: string
  /** How it is measured, in a sentence or two; what 1 is, where there are multiples. */
  readonly how: string
  run(ask: Ask): Promise<readonly Measure[]>
}
