import { afterAll, beforeAll, expect, test } from 'vitest'
import { askProgram } from './ask.js'
import { compileProgram, type Program } from './compile.js'
import { SMALLEST_WORLDS } from './scenarios.js'

let program: Program
beforeAll(async () => {
  program = await compileProgram({ visible: true })
})
afterAll(() => program.remove())

test.each(Object.keys(SMALLEST_WORLDS))(
  'the search reaches the same end states of %s with its shortcuts as without them',
  { timeout: 120_000 },
  async (scenario) => {
    const search = (plainly: boolean) =>
      askProgram(program.path, { kind: 'explore', scenario, deviations: 0, everyOrder: plainly, whole: plainly }).then(
        ({ exploration }) => exploration,
      )
    const every = await search(true)
    const some = await search(false)
    expect(every.ends.length).toBeGreaterThan(5)
    expect(some.ends).toEqual(every.ends)
    expect(some.count).toBeLessThan(every.count)
  },
)
