import type { Random } from '../../../src/base/clock.js'

/** What can happen to a service with real sockets while it works. */
export const TROUBLES = [
  'move',
  'move',
  'crash',
  'reset',
  'half-close',
  'stall',
  'swallow',
  'drop',
  'refuse',
  'identity-away',
  'handover',
  'hide',
  'store',
  'offline',
  'network-change',
  'stall-log',
  'renew-tokens',
] as const

export type Trouble = (typeof TROUBLES)[number]

export interface Plan {
  readonly seed: number
  readonly tokens: boolean
  readonly troubles: readonly { readonly at: number; readonly what: Trouble }[]
}

/** How long the trouble lasts, ms. */
export const TROUBLED = 500

export function drawPlan(seed: number, random: Random): Plan {
  const count = Math.floor(random() * 9)
  return {
    seed,
    tokens: random() < 0.5,
    troubles: Array.from({ length: count }, () => ({
      at: 20 + Math.floor(random() * TROUBLED),
      what: TROUBLES[Math.floor(random() * TROUBLES.length)]!,
    })).sort((a, b) => a.at - b.at),
  }
}
