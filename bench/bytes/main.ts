// npm run size: what every entry weighs, in the README and against its budget.
import { createStage } from '../kit/stage.js'
import { overBudget } from './budget.js'
import { sizeTable, writeReadmeSizes } from './readme-table.js'
import { measureSizes } from './sizes.js'

const stage = await createStage()
try {
  const sizes = await measureSizes(stage.present.folder)
  writeReadmeSizes(sizes)
  console.log(sizeTable(sizes))
  const over = overBudget(sizes)
  for (const sentence of over) console.error(sentence)
  process.exitCode = over.length > 0 ? 1 : 0
} finally {
  await stage.remove()
}
