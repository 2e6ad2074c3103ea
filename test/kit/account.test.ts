import { describe, expect, it } from 'vitest'
import { BALANCED, balanceOf, createAccount } from './account.js'

describe('the account of one reader', () => {
  it.each([
    ['everything, in its order', [1, 2, 3], { lost: [], repeated: [], reordered: [] }],
    ['a hole', [1, 3], { lost: [2], repeated: [], reordered: [] }],
    ['a missing end', [1], { lost: [2, 3], repeated: [], reordered: [] }],
    ['nothing', [], { lost: [1, 2, 3], repeated: [], reordered: [] }],
    ['a start in the middle', [2, 3], { lost: [], repeated: [], reordered: [] }],
    ['an older one than the first, late', [3, 1], { lost: [2], repeated: [], reordered: [1] }],
    ['a repeat of the newest, and of an old one', [1, 2, 2, 3, 1], { lost: [], repeated: [2, 1], reordered: [] }],
    ['two that changed places', [1, 3, 2], { lost: [], repeated: [], reordered: [2] }],
    ['one late and then again', [1, 3, 2, 2], { lost: [], repeated: [2], reordered: [2] }],
  ])('of somebody who was given %s', (_what, received, wanted) => {
    expect(balanceOf(received, 3)).toEqual(wanted)
  })

  it('counts what it names, also of less than the newest', () => {
    const account = createAccount()
    for (const n of [2, 5, 9]) account.arrived(n)
    for (const last of [1, 2, 4, 6, 9, 12]) expect(account.lost(last)).toBe(account.missing(last).length)
    expect(account.missing(6)).toEqual([3, 4, 6])
    expect([account.first, account.newest, account.delivered]).toEqual([2, 9, 3])
  })

  it('expects all from the first one that it was told of, and nothing before it knows of any', () => {
    expect(createAccount(1).missing(2)).toEqual([1, 2])
    expect(createAccount().lost(2)).toBe(0)
    const late = createAccount(1)
    late.arrived(3)
    expect(late.missing(3)).toEqual([1, 2])
  })
})

it('nothing is wrong with who was given everything once', () => {
  expect(balanceOf([4, 5, 6], 6)).toEqual(BALANCED)
})
