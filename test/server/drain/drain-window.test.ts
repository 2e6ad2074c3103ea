import { expect, it } from 'vitest'
import { createDrainWindow } from '../../../src/server/drain/drain-window.js'

it('a drain of 10,000 legs does little work for each leg, however many are on their way', () => {
  let [at, readings] = [0, 0]
  const window = createDrainWindow<number>({ rate: 100_000, spread: 0 }, () => {
    readings++
    return at
  })
  for (let leg = 0; leg < 10_000; leg++) {
    window.asked(leg)
    expect(window.full).toBe(false)
    at += 0.01
  }
  expect(readings / 10_000).toBeLessThan(10)
})

it('a leg that was told to wait for a minute counts as on its way for a minute, and the others no longer than usual', () => {
  let at = 0
  const window = createDrainWindow<string>({ rate: 10, spread: 0 }, () => at)
  window.asked('told to wait')
  window.delayed('told to wait', 60_000)
  for (let leg = 1; leg < 10; leg++) window.asked(`silent ${leg}`)
  expect(window.full).toBe(true)
  at = 5_001
  expect(window.full).toBe(false)
  for (let leg = 11; leg < 20; leg++) window.asked(`later ${leg}`)
  expect(window.full).toBe(true)
  at = 65_001
  expect(window.full).toBe(false)
})
