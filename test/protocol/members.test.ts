import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changeMembers, memberList, type Member, type MemberRow } from '../../src/protocol/members.js'
import { isOwnTopic, presenceOf, presenceTopic } from '../../src/protocol/own-topics.js'

const list = (...changes: Parameters<typeof changeMembers>[1][]) => {
  const members = new Map<string, Member>()
  for (const change of changes) changeMembers(members, change)
  return memberList(members)
}

test('several connections of one member are one entry with the latest data, which goes with the last of them', () => {
  const set: MemberRow[] = [
    ['ann', 'phone', 2, 1, 'new', 'Ann'],
    ['ann', 'laptop', 1, 1, 'old', 'A.'],
    ['bob', 'tab', 1, 1, null, 'Bob'],
  ]
  const [ann, bob] = list({ set })
  expect(ann).toMatchObject({ id: 'ann', user: 'Ann', data: 'new', connections: [{ id: 'laptop' }, { id: 'phone' }] })
  expect(bob).toMatchObject({ id: 'bob', connections: [{ id: 'tab', at: 1, data: null, user: 'Bob' }] })
  expect(
    list(
      { set },
      {
        gone: [
          ['ann', 'phone'],
          ['bob', 'tab'],
          ['nobody', 'x'],
        ],
      },
    ),
  ).toMatchObject([{ id: 'ann', data: 'old' }])
})

test('a member without a change stays the same object', () => {
  const members = new Map<string, Member>()
  changeMembers(members, {
    set: [
      ['ann', 'a', 1, 1, 0, 0],
      ['bob', 'b', 1, 1, 0, 0],
    ],
  })
  const [ann] = memberList(members)
  changeMembers(members, { set: [['bob', 'b', 2, 2, 1, 0]] })
  expect(memberList(members)[0]).toBe(ann)
})

test('a list that already has some of the changes ends the same after all of them are applied', () => {
  const id = fc.constantFrom('a', 'b', 'c')
  const change = fc.oneof(
    fc.tuple(id, id).map(([member, tab]) => ({ gone: [[member, member + tab]] as [string, string][] })),
    fc
      .tuple(id, id, fc.nat(9), fc.nat(9))
      .map(([member, tab, at, data]) => ({ set: [[member, member + tab, at, 0, data, 0]] as MemberRow[] })),
  )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.nat(), fc.nat(), (changes, a, b) => {
      const [position, state] = [a % (changes.length + 1), b % (changes.length + 1)].sort((x, y) => x - y)
      // The list is as of `state` but claims to be as of `position`, so the changes between the two are applied twice.
      expect(list(...changes.slice(0, state), ...changes.slice(position))).toEqual(list(...changes))
    }),
  )
})

test('the presence topic is named after its topic, and belongs to the server', () => {
  expect(presenceOf(presenceTopic('room'))).toBe('room')
  expect(presenceOf('room')).toBe(null)
  expect([presenceTopic('room'), 'room', 'livesockets'].map(isOwnTopic)).toEqual([true, false, false])
})
