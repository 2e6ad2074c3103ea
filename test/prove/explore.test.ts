import { expect, test } from 'vitest'
import { askProgram } from './ask.js'
import { compileProgram } from './compile.js'
import { SMALLEST_WORLDS } from './scenarios.js'

test('what the search for states leaves out makes no difference: with every order of things it ends in the same states', {
  timeout: 120_000,
}, async () => {
  const { path, remove } = await compileProgram({ visible: true })
  try {
    for (const scenario of Object.keys(SMALLEST_WORLDS)) {
      const search = (everyOrder: boolean) =>
        askProgram(path, { kind: 'explore', scenario, deviations: 0, everyOrder }).then(
          ({ exploration }) => exploration,
        )
      const every = await search(true)
      const some = await search(false)
      expect(every.ends.length).toBeGreaterThan(10)
      expect(some.ends).toEqual(every.ends)
      expect(some.count).toBeLessThan(every.count)
    }
  } finally {
    await remove()
  }
})
