import { expect, test } from 'vitest'
import { positionIn, reaches } from '../../src/protocol/position.js'

const at = (epoch: string, offset: number) => ({ epoch, offset })

test('a position reaches what is at it or before it, and nothing of another epoch', () => {
  expect([reaches(at('e', 5), at('e', 4)), reaches(at('e', 5), at('e', 5)), reaches(at('e', 5), at('e', 6))]).toEqual([
    true,
    true,
    false,
  ])
  expect(reaches(at('e', 5), at('f', 1))).toBe(false)
  expect([reaches(null, at('e', 1)), reaches(at('e', 1), undefined)]).toEqual([false, false])
})

test('only a position is one: neither from now on nor the last so many', () => {
  expect([positionIn(null), positionIn(undefined), positionIn({ last: 5 })]).toEqual([null, null, null])
  expect(positionIn(at('e', 0))).toEqual(at('e', 0))
})
