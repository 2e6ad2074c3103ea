import { expect, it } from 'vitest'
import type { ForeignMergeDeps } from '../../src/foreign/foreign-merge.js'
import { playForeignMerge } from './foreign-merge-world.js'

/** 20,000 worlds found nothing, and took a minute. */
const WORLDS = Number(process.env['WORLDS'] ?? 60)

const kinds: readonly [string, Partial<ForeignMergeDeps>][] = [
  ['by identity', {}],
  ['by identity, with a least overlap', { leastOverlap: 150 }],
  ['by identity, if a leg gives up its topics when it is left', { leaves: true, leastOverlap: 100 }],
  ['by identity, if nothing marks the end', { end: 'match' }],
  ['by position', { strength: 'position' }],
]

it.each(kinds)(
  '%s nothing that a leg delivered is lost, repeated, reordered or held forever, whatever breaks',
  (_kind, deps) => {
    const worlds = Array.from({ length: WORLDS }, (_, at) => ({ seed: at + 1, ...playForeignMerge(at + 1, deps) }))
    expect(worlds.flatMap(({ seed, wrong }) => (wrong.length > 0 ? [{ seed, wrong }] : []))).toEqual([])
    // The worlds are about messages that wait, so some must have waited.
    expect(worlds.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(WORLDS)
  },
  10_000 + 20 * WORLDS,
)
