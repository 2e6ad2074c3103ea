import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { planted } from '../kit/mutant.js'
import { ROOT } from '../kit/source-files.js'
import { MUTANTS } from './mutants.js'

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'the planted mistake still applies to the code: %s',
  (_, { file, from, to }) => {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8')
    expect(planted(text, from, to, file)).not.toBe(text)
  },
)
