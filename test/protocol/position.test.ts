import { expect, test } from 'vitest'
import { reaches } from '../../src/protocol/position.js'

const at = (epoch: string, offset: number) => ({ epoch, offset })

test('a position reaches every position at or before it, and none of another epoch', () => {
  expect([reaches(at('e', 5), at('e', 4)), reaches(at('e', 5), at('e', 5)), reaches(at('e', 5), at('e', 6))]).toEqual([
    true,
    true,
    false,
  ])
  expect(reaches(at('e', 5), at('f', 1))).toBe(false)
  expect([reaches(null, at('e', 1)), reaches(at('e', 1), undefined)]).toEqual([false, false])
})

test('neither "from now on" nor "the last n messages" reaches a position, or is reached by one', () => {
  for (const place of [null, undefined, { last: 5 }])
    expect([reaches(place, at('e', 0)), reaches(at('e', 0), place), reaches(place, place)]).toEqual([
      false,
      false,
      false,
    ])
})
