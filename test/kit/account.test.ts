import { describe, expect, it } from 'vitest'
import { BALANCED, balanceOf, createAccount } from './account.js'

describe('the account of one reader', () => {
  it.each([
    ['everything, in its order', [1, 2, 3], { lost: [], repeated: [], reordered: [] }],
    ['a hole', [1, 3], { lost: [2], repeated: [], reordered: [] }],
    ['a missing end', [1], { lost: [2, 3], repeated: [], reordered: [] }],
    ['nothing', [], { lost: [1, 2, 3], repeated: [], reordered: [] }],
    ['a start in the middle', [2, 3], { lost: [], repeated: [], reordered: [] }],
    ['an older message than the first, late', [3, 1], { lost: [2], repeated: [], reordered: [1] }],
    ['a repeat of the newest, and of an old one', [1, 2, 2, 3, 1], { lost: [], repeated: [2, 1], reordered: [] }],
    ['two that changed places', [1, 3, 2], { lost: [], repeated: [], reordered: [2] }],
    ['one message late and then again', [1, 3, 2, 2], { lost: [], repeated: [2], reordered: [2] }],
  ])('of a reader that got %s', (_what, received, wanted) => {
    expect(balanceOf(received, 3)).toEqual(wanted)
  })

  it('counts exactly the missing messages that it names, up to any number', () => {
    const account = createAccount()
    for (const n of [2, 5, 9]) account.arrived(n)
    for (const last of [1, 2, 4, 6, 9, 12]) expect(account.lost(last)).toBe(account.missing(last).length)
    expect(account.missing(6)).toEqual([3, 4, 6])
    expect([account.first, account.newest, account.delivered]).toEqual([2, 9, 3])
  })

  it('expects all messages from its first one on, and none before it knows a first one', () => {
    expect(createAccount(1).missing(2)).toEqual([1, 2])
    expect(createAccount().lost(2)).toBe(0)
    const late = createAccount(1)
    late.arrived(3)
    expect(late.missing(3)).toEqual([1, 2])
  })
})

it('finds nothing wrong with a reader that got everything once', () => {
  expect(balanceOf([4, 5, 6], 6)).toEqual(BALANCED)
})
