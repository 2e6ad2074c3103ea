import type { createMerge } from '../../src/topics/merge.js'
import { seededRandom } from '../kit/seeded-random.js'
import { playWorld, type Flavour } from './merge-world.js'

export function flavourOf(seed: number): Flavour {
  const random = seededRandom(seed)
  const yes = (share: number) => random() < share
  const calm = yes(0.2)
  return {
    history: [yes(0.6), yes(0.6)],
    hidden: yes(0.5),
    trim: !calm && yes(0.4),
    epochs: !calm && yes(0.3),
    holes: calm || yes(0.75) ? 'none' : yes(0.6) ? 'passing' : 'lasting',
    kills: !calm && yes(0.6),
    hasty: !calm && yes(0.3),
    omits: !calm && yes(0.3),
    lag: yes(0.4),
    application: !calm && yes(0.5),
    reentry: !calm && yes(0.3),
    small: !calm && yes(0.2),
  }
}

/** The first schedule of these seeds that breaks a promise, reduced to the steps that it needs. */
export function search(
  create: typeof createMerge,
  seeds: number,
  length: number,
  first = 1,
  shrink = true,
): { seed: number; failure: string; trace: string[] } | null {
  for (let seed = first; seed < first + seeds; seed++) {
    const flavour = flavourOf(seed)
    const random = seededRandom(seed * 7_919)
    let steps = Array.from({ length }, () => Math.floor(random() * 2 ** 32))
    if (attempt(create, flavour, steps) === null) continue
    for (let size = shrink ? Math.ceil(steps.length / 2) : 0; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < steps.length; ) {
        const without = [...steps.slice(0, at), ...steps.slice(at + size)]
        if (attempt(create, flavour, without) === null) at += size
        else steps = without
      }
    }
    const trace = [JSON.stringify(flavour)]
    return { seed, failure: attempt(create, flavour, steps, trace)!, trace }
  }
  return null
}

function attempt(
  create: typeof createMerge,
  flavour: Flavour,
  steps: readonly number[],
  trace?: string[],
): string | null {
  try {
    return playWorld(create, flavour, steps, trace)
  } catch (error) {
    return `it threw ${String(error instanceof Error ? error.stack : error)}`
  }
}
