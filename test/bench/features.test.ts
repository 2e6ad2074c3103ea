import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { overBudget } from '../../bench/bytes/budget.js'
import { coreWithout, FEATURES } from '../../bench/bytes/features.js'
import { planted } from '../kit/mutant.js'
import { ROOT } from '../kit/source-files.js'

const NAMES = Object.keys(FEATURES)

it.each(NAMES)('the code of the core for this feature alone can be cut out: %s', (name) => {
  const left = new Map<string, string>()
  for (const [file, from, to = ''] of FEATURES[name]!) {
    const text = left.get(file) ?? readFileSync(join(ROOT, 'src', file), 'utf8')
    left.set(file, planted(text, from, to, file))
  }
})

it('all features of the core beyond messages together stay within their budget', async () => {
  const cost = (await coreWithout([])) - (await coreWithout(NAMES))
  expect(cost).toBeGreaterThan(0)
  expect(overBudget({ 'what the core does beyond messages': cost })).toEqual([])
})
