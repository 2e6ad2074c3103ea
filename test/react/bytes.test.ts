import { expect, it } from 'vitest'
import { measureBytes } from '../../bench/react/bytes.js'

it('all the hooks together cost at most 1.95 kB over the core, packed, without React', async () => {
  const { hooks } = await measureBytes()
  expect(hooks).toBeLessThanOrEqual(1_950)
}, 120_000)
