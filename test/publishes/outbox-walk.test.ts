import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'
import { planted } from '../kit/mutant.js'
import { createOutbox } from '../../src/publishes/outbox.js'
import { createPublishRecord } from '../../src/server/log/publish-record.js'
import { createSessionRegister } from '../../src/server/log/session-register.js'
import { walk, type Halves } from './outbox-walk.js'

const WALKS = 3_000
const halves: Halves = { createOutbox, createPublishRecord, createSessionRegister }

describe('client rule 5, server rules 4 and 5: in any history', () => {
  it('each publish settles once and correctly, is applied at most once and in the order of its topic, and never after it settled as unknown', async () => {
    for (let seed = 1; seed <= WALKS; seed++) expect(await walk(halves, seed), `seed ${seed}`).toEqual([])
  }, 60_000)
})

describe('the random walk notices', () => {
  it.each([
    ['a newer publish that passes one the old leg owes', 'publishes/outbox-queue', '!held.has(entry.lane)', 'true'],
    [
      'a repeat behind newer ones',
      'publishes/outbox-queue',
      'if (entry.leg === leg && wanted(entry)) this.place(entry, null)',
      'if (entry.leg === leg && wanted(entry)) (this.remove(entry), this.add(entry))',
    ],
    [
      'a leg’s death that forgets what it owed',
      'publishes/outbox-queue',
      'if (!leg) return false\n    this.#requeue(leg)',
      'if (!leg) return false',
    ],
    [
      'a dead leg that stays the active one',
      'publishes/outbox-queue',
      'if (leg === this.active) this.active = this.old',
      '',
    ],
    ['a wait for the old leg that never ends', 'publishes/outbox', 'this.#queue.giveUpOld()', ''],
    [
      'a refusal for now that hides a copy elsewhere',
      'publishes/outbox',
      'if (entry.copies <= 0)',
      'if (entry.copies >= 0)',
    ],
    [
      'a publish that was sent and is said not to have been',
      'publishes/outbox',
      'entry.firstSent\n        ? failure(',
      '!entry.firstSent\n        ? failure(',
    ],
    [
      'an answer that is taken for another’s',
      'publishes/outbox',
      'const entry = this.#queue.answered(ack.id)',
      'const [entry] = this.#queue.all()',
    ],
    [
      'a repeat under a new number',
      'publishes/outbox',
      'entry.age = Math.round(since(clock, firstSent))',
      'Object.assign(entry, { age: Math.round(since(clock, firstSent)), n: ++this.#count })',
    ],
    [
      'a late copy that is applied behind later ones',
      'server/log/publish-record',
      'if (last && place.n <= last.n) return remembered ? OUT_OF_ORDER : OUTCOME_UNKNOWN',
      '',
    ],
    [
      'a late copy that is refused as such although it was applied',
      'server/log/publish-record',
      'return remembered ? OUT_OF_ORDER : OUTCOME_UNKNOWN',
      'return OUT_OF_ORDER',
    ],
    [
      'a server that applies what it may have forgotten',
      'server/log/publish-record',
      'return sent > born && (last || sent > uncountedUpTo) ? null : OUTCOME_UNKNOWN',
      'return null',
    ],
    [
      'a number that only counts where it was applied',
      'server/log/publish-record',
      'if (place) count(place)',
      "if (place && answer.type === 'ack') count(place)",
    ],
    [
      'a first copy that is taken to have been no time on its way',
      'server/log/publish-record',
      'const sent = now() - (age ?? 0) - flight',
      'const sent = now() - (age ?? 0)',
    ],
    [
      'a session that is forgotten without a trace',
      'server/log/session-register',
      'if (session.record) forgottenUpTo = Math.max(forgottenUpTo, session.idleSince)',
      '',
    ],
  ])(
    '%s',
    async (_, file, original, mutation) => {
      const mutant = await mutate(`src/${file}.ts`, original, mutation)
      let noticed = false
      for (let seed = 1; seed <= WALKS && !noticed; seed++) noticed = (await walk(mutant, seed)).length > 0
      expect(noticed).toBe(true)
    },
    60_000,
  )
})

/** Builds both halves with one piece of their source replaced. */
async function mutate(file: string, original: string, mutation: string): Promise<Halves> {
  const path = resolve(file)
  const text = planted(readFileSync(path, 'utf8'), original, mutation, file)
  const entry = resolve(file.startsWith('src/publishes/') ? 'src/publishes/outbox.ts' : file)
  const bundle = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, target: 'es2022', lib: { entry, formats: ['es'] } },
    plugins: [
      {
        name: 'mutation',
        enforce: 'pre',
        load: (id) => (id === path ? text : undefined),
      },
    ],
  })
  const [result] = Array.isArray(bundle) ? bundle : [bundle]
  if (!result || !('output' in result)) throw new Error('the bundler watched instead of building')
  const source = `data:text/javascript,${encodeURIComponent(result.output[0].code)}`
  return { ...halves, ...((await import(/* @vite-ignore */ source)) as Partial<Halves>) }
}
