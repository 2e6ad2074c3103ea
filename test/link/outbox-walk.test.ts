import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
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
    ['a newer publish that passes one the old leg owes', 'publish-queue', 'if (older.leg === old) return undefined', ''],
    ['a repeat behind newer ones', 'publish-queue', 'place(entry, null)\n    restoreOrder()', '(place(entry, null), waiting.add(entry))'],
    ['a leg’s death that forgets what it owed', 'publish-queue', 'if (!leg) return false\n      requeue(leg)', 'if (!leg) return false'],
    ['a dead leg that stays the active one', 'publish-queue', 'if (leg === active) active = old', ''],
    ['a wait for the old leg that never ends', 'outbox', 'queue.giveUpOld()', ''],
    ['a refusal for now that hides a copy elsewhere', 'outbox', 'else if (entry.copies === 0)', 'else if (entry.copies >= 0)'],
    ['a publish that was sent and is said not to have been', 'outbox', 'if (entry.firstSent) fail(', 'if (!entry.firstSent) fail('],
    ['an answer that is taken for another’s', 'outbox', 'const entry = answered(id)\n      if (entry) succeed', 'const [entry] = queue.all()\n      if (entry) succeed'],
  ])('%s', async (_, file, original, mutation) => {
    const mutant = await mutate(`src/link/${file}.ts`, original, mutation)
    let noticed = false
    for (let seed = 1; seed <= WALKS && !noticed; seed++) noticed = (await walk(mutant, seed)).length > 0
    expect(noticed).toBe(true)
  }, 60_000)
})

/** `createOutbox` with one piece of its source replaced. */
async function mutate(file: string, original: string, mutation: string): Promise<typeof createOutbox> {
  const path = resolve(file)
  expect(readFileSync(path, 'utf8')).toContain(original)
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, target: 'es2022', lib: { entry: resolve('src/link/outbox.ts'), formats: ['es'] } },
    plugins: [{ name: 'mutation', enforce: 'pre', transform: (code, id) => (id === path ? code.replace(original, () => mutation) : undefined) }],
  })
  const [result] = Array.isArray(bundle) ? bundle : [bundle]
  if (!result || !('output' in result)) throw new Error('the bundler watched instead of building')
  const source = `data:text/javascript,${encodeURIComponent(result.output[0].code)}`
  return ((await import(/* @vite-ignore */ source)) as { createOutbox: typeof createOutbox }).createOutbox
}
