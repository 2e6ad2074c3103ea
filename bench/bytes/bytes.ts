import type { Ask, Measure, Part } from '../kit/measure.js'
import { spread } from '../kit/spread.js'
import { measurePeerSizes, measureSizes } from './sizes.js'
import { ENTRIES } from './entries.js'

const PAGE = 'min + gzip'
/** A few entries show that the measurement works. */
const SMALL = ENTRIES.slice(0, 1).map(({ name }) => name)

async function run({ stage, small }: Ask): Promise<readonly Measure[]> {
  const measures: Measure[] = []
  const add = (contender: string, bytes: number) =>
    measures.push({ contender, what: PAGE, unit: 'B', ...spread([bytes]) })
  for (const { folder, suffix } of stage.builds) {
    for (const [name, bytes] of Object.entries(await measureSizes(folder, small ? SMALL : undefined)))
      add(`LiveSocket${suffix}: ${name}`, bytes)
  }
  for (const [name, bytes] of Object.entries(await measurePeerSizes(stage.present.folder))) add(name, bytes)
  return measures
}

export const bytes: Part = {
  name: 'bytes',
  title: 'What a page loads',
  how: 'Bundled and minified by Vite for production with all dependencies, without React, gzip −9. For each peer, only the name that an application imports.',
  run,
}
