import { setTimeout } from 'node:timers/promises'
import type { Contender } from './contender.js'
import type { Ask, Measure, Unit } from './measure.js'
import { spread } from './spread.js'

/** The results of one contender in one round, by the name of the quantity. */
export type Round = Readonly<Record<string, number>>

/**
 * Measures every contender once in each round. Each round begins with another contender, so that other load on the
 * machine affects all of them. Returns the medians.
 */
export async function inTurns<Of extends Contender>(
  ask: Pick<Ask, 'rounds' | 'say'>,
  contenders: readonly Of[],
  units: Readonly<Record<string, Unit>>,
  measure: (contender: Of) => Promise<Round>,
): Promise<Measure[]> {
  const rounds = new Map<Of, Round[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < ask.rounds; round++) {
    const first = round % Math.max(1, contenders.length)
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const found = await patiently(contender.name, measure(contender))
      rounds.get(contender)!.push(found)
      ask.say(
        `  ${round + 1}/${ask.rounds} ${contender.name}: ${Object.entries(found)
          .map(([what, value]) => `${what} ${Number(value.toPrecision(3))}`)
          .join(', ')}`,
      )
    }
  }
  return Object.entries(units).flatMap(([what, unit]) =>
    [...rounds].flatMap(([{ name }, found]): Measure[] => {
      const values = found.flatMap((round) => (round[what] === undefined ? [] : [round[what]]))
      return values.length === 0 ? [] : [{ contender: name, what, unit, ...spread(values) }]
    }),
  )
}

/**
 * Longer than any contender takes for a round, ms. A contender that takes longer has lost a message or its connection.
 */
const PATIENCE = 180_000

async function patiently<Value>(name: string, found: Promise<Value>): Promise<Value> {
  const ended = new AbortController()
  const late = setTimeout(PATIENCE, null, { signal: ended.signal, ref: false }).then(() => {
    throw new Error(`${name} was not done within ${PATIENCE / 1_000} s.`)
  })
  return Promise.race([found, late]).finally(() => {
    late.catch(() => {})
    ended.abort()
  })
}

/** The same measures as multiples of the medians of one contender. */
export function multiples(
  measures: readonly Measure[],
  what: string,
  { of, as }: { readonly of: string; readonly as: string },
): Measure[] {
  const one = measures.find((measure) => measure.what === what && measure.contender === of)?.median
  if (!one) return []
  return measures
    .filter((measure) => measure.what === what)
    .map(({ contender, median, least, most }) => ({
      contender,
      what: as,
      unit: '×' as const,
      median: median / one,
      least: least / one,
      most: most / one,
    }))
}
