import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { overBudget } from '../../bench/bytes/budget.js'
import { ELSEWHERE, ENTRIES } from '../../bench/bytes/entries.js'
import { readmeSizes } from '../../bench/bytes/readme-table.js'
import { measureSizes, type Sizes } from '../../bench/bytes/sizes.js'
import { createStage } from '../../bench/kit/stage.js'
import { ROOT } from '../kit/source-files.js'

it('weighs no more on a page than its budget, and what the README says', async () => {
  const stage = await createStage()
  try {
    const sizes = await measureSizes(stage.present.folder)
    expect(overBudget(sizes)).toEqual([])
    const told = Object.entries(readmeSizes())
    expect(told.map(([name]) => name)).toEqual(Object.keys(sizes))
    // Another version of the packer may differ by some bytes.
    for (const [name, kB] of told) expect(Math.abs(kB - sizes[name]! / 1_000), name).toBeLessThanOrEqual(0.15)
  } finally {
    await stage.remove()
  }
}, 120_000)

it('names each entry that is over its budget, or has none', () => {
  const sizes: Sizes = { heavy: 101, light: 99, unknown: 1 }
  const said = overBudget(sizes, { heavy: 100, light: 100 })
  expect(said).toHaveLength(2)
  expect(said[0]).toContain('heavy weighs 101 B, 1 over')
  expect(said[1]).toContain('unknown has no budget')
})

it('weighs every entry that a page can load', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  const known = [...ELSEWHERE, ...ENTRIES.map(({ subpath }) => subpath)]
  expect(Object.keys(exports).filter((subpath) => !known.includes(subpath))).toEqual([])
})

it('the docs name the same sizes as the README', () => {
  const sizes = readmeSizes()
  const read = (page: string) => readFileSync(join(ROOT, 'docs', page), 'utf8')
  const hooks = sizes['React hooks, over the core']
  const core = sizes['core: without getToken, fold, stream, schemas, requests, signals']!
  const whole = Math.round(sizes['createLiveSocket']!)
  expect(read('quickstart.md')).toContain(`about ${whole} kB (minified, gzip), ${Math.round(core)} without`)
  expect(read('quickstart.md')).toContain(`${hooks} more for the hooks`)
  expect(read('react.md')).toContain(
    `${hooks} kB to the core, with \`usePresence\` ${sizes['usePresence, over the core']} kB more`,
  )
})
