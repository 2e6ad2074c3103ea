import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'
import { createOutbox } from '../../src/link/outbox.js'
import { walk } from './outbox-walk.js'

const WALKS = 1_500

describe('client rule 5: in any history', () => {
  it('each publish settles once and truly, is applied at most once, and in the order in which it was published', async () => {
    for (let seed = 1; seed <= WALKS; seed++) expect(await walk(createOutbox, seed), `seed ${seed}`).toEqual([])
  }, 60_000)
})

describe('the random walk notices', () => {
  it.each([
    ['a newer publish that passes one the old leg owes', 'if (older.leg === old.number) return undefined', ''],
    ['a repeat behind newer ones', 'restoreOrder()\n  }', 'for (const entry of entries.values()) if (entry.leg === null) waiting.add(entry)\n  }'],
    ['a leg’s death that forgets what it owed', 'requeue(leg)\n', ''],
    ['a wait for the old leg that never ends', 'if (old) requeue(old)\n      pump()', 'pump()'],
    ['a refusal for now that hides a copy elsewhere', 'else if (entry.copies === 0)', 'else if (entry.copies >= 0)'],
    ['a publish that was sent and is said not to have been', 'if (entry.firstSent) fail(', 'if (!entry.firstSent) fail('],
    ['a dead leg that stays the active one', 'if (leg === active) active = old', ''],
    ['an answer that is taken for another’s', 'const entry = answered(id)\n      if (entry) succeed', 'const [entry] = entries.values()\n      if (entry) succeed'],
  ])('%s', async (_, original, mutation) => {
    const mutant = await mutate(original, mutation)
    let noticed = false
    for (let seed = 1; seed <= WALKS && !noticed; seed++) noticed = (await walk(mutant, seed)).length > 0
    expect(noticed).toBe(true)
  }, 60_000)
})

/** `createOutbox` with one piece of its source replaced. */
async function mutate(original: string, mutation: string): Promise<typeof createOutbox> {
  const path = fileURLToPath(new URL('../../src/link/outbox.ts', import.meta.url))
  expect(readFileSync(path, 'utf8')).toContain(original)
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, target: 'es2022', lib: { entry: path, formats: ['es'] } },
    plugins: [{ name: 'mutation', enforce: 'pre', transform: (code, id) => (id === path ? code.replace(original, () => mutation) : undefined) }],
  })
  const [result] = Array.isArray(bundle) ? bundle : [bundle]
  if (!result || !('output' in result)) throw new Error('the bundler watched instead of building')
  const source = `data:text/javascript,${encodeURIComponent(result.output[0].code)}`
  return ((await import(/* @vite-ignore */ source)) as { createOutbox: typeof createOutbox }).createOutbox
}
