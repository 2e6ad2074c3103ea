import type { WorldOptions } from './world.js'

/** One complete schedule: it can be run again from this alone. */
export interface Case {
  readonly world: WorldOptions
  readonly seed: number
  readonly choices: readonly number[]
}

/** How many attempts shrinking may take: a developer is waiting for the result. */
const MOST_TRIES = 2_000

/** The smallest case that still breaks a promise: fewer happenings, and fewer deviations from the default order. */
export async function shrink(found: Case, breaks: (tried: Case) => Promise<boolean>): Promise<Case> {
  let best = found
  let tries = 0
  async function take(tried: Case): Promise<boolean> {
    if (tries++ >= MOST_TRIES || !(await breaks(tried))) return false
    best = tried
    return true
  }
  for (let before: Case | null = null; before !== best && tries < MOST_TRIES; ) {
    before = best
    for (let actor = best.world.actors.length - 1; actor >= 0; actor--)
      for (let at = best.world.actors[actor]!.length - 1; at >= 0; at--) await take(without(best, actor, at))
    for (let size = best.choices.length; size >= 1; size = Math.floor(size / 2))
      for (let from = 0; from < best.choices.length; from += size) {
        const choices = best.choices.map((choice, at) => (at >= from && at < from + size ? 0 : choice))
        if (choices.some((choice, at) => choice !== best.choices[at])) await take({ ...best, choices })
      }
  }
  const end = best.choices.findLastIndex((choice) => choice !== 0) + 1
  return { ...best, choices: best.choices.slice(0, end) }
}

function without(from: Case, actor: number, at: number): Case {
  const actors = from.world.actors.map((happenings, index) =>
    index === actor ? happenings.filter((_, place) => place !== at) : happenings,
  )
  return { ...from, world: { ...from.world, actors } }
}

/** A case as one word, for `npm run replay`. */
export const caseText = (one: Case): string => Buffer.from(JSON.stringify(one)).toString('base64url')

/** Throws an error with a sentence if the word is not a case. */
export function readCase(text: string): Case {
  try {
    const one = JSON.parse(Buffer.from(text, 'base64url').toString()) as Case
    if (Array.isArray(one.world.actors) && Array.isArray(one.choices)) return one
  } catch {
    // The error is thrown below.
  }
  throw new Error('This is not a case: pass the whole word that a failed run printed after "replay".')
}
