// npm run size: writes the size of every entry into the README, checks it against its budget, and prints what each
// feature costs the core.
import { createStage } from '../kit/stage.js'
import { table } from '../../test/kit/table.js'
import { overBudget } from './budget.js'
import { featureSizes } from './features.js'
import { sizeTable, writeReadmeSizes } from './readme-table.js'
import { measureSizes } from './sizes.js'

const stage = await createStage()
try {
  const sizes = await measureSizes(stage.present.folder)
  writeReadmeSizes(sizes)
  console.log(sizeTable(sizes))
  const { all, each } = await featureSizes()
  const costs = Object.entries({ ...each, 'all of them': all })
  console.log(
    `\n${table(
      ['feature of the core', 'B, min + gzip'],
      costs.map(([name, bytes]) => [name, String(bytes)]),
    )}`,
  )
  const over = [...overBudget(sizes), ...overBudget({ 'what the core does beyond messages': all })]
  for (const sentence of over) console.error(sentence)
  process.exitCode = over.length > 0 ? 1 : 0
} finally {
  await stage.remove()
}
