import { describe, expect, it } from 'vitest'
import { weather } from './weather.js'

describe('in random faults every message arrives once and in order or is in a gap, each publish settles correctly, and one leg is left', () => {
  it.each(
    Array.from({ length: Number(process.env['WEATHERS'] ?? 20) }, (_, at) => at + 1 + Number(process.env['FROM'] ?? 0)),
  )(
    'seed %i',
    async (seed) => {
      expect(await weather(seed)).toEqual([])
    },
    60_000,
  )
})
