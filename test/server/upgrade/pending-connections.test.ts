import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPendingConnections } from '../../../src/server/upgrade/pending-connections.js'

function handClock() {
  let now = 0
  return { monotonic: () => now, advance: (ms: number) => void (now += ms) }
}

function places(max: number, maxBytes = 1e9) {
  const clock = handClock()
  const pending = createPendingConnections({ max, maxBytes, clock })
  const gone: string[] = []
  return { clock, gone, enter: (address: string, name = address) => pending.enter(address, () => void gone.push(name)) }
}

describe('connections without a hello share a bounded number of places', () => {
  test('an address that takes all places displaces only itself', () => {
    const { enter, gone } = places(4)
    for (let at = 0; at < 4; at++) enter('flood', `flood ${at}`)
    expect(enter('flood')).toBeNull()
    expect(gone).toEqual([])
    expect(enter('honest')).not.toBeNull()
    expect(gone).toEqual(['flood 0'])
    expect(enter('flood')).toBeNull()
    expect(enter('another')).not.toBeNull()
    expect(gone).toEqual(['flood 0', 'flood 1'])
  })

  test('the address with the most places makes room first', () => {
    const { enter, gone } = places(5)
    for (const [address, name] of [
      ['two', 'a'],
      ['three', 'b'],
      ['three', 'c'],
      ['two', 'd'],
      ['three', 'e'],
    ] as const)
      enter(address, name)
    expect(enter('honest')).not.toBeNull()
    expect(gone).toEqual(['b'])
  })

  test('where each place has another address, each is safe for a second, and then makes room for a newcomer', () => {
    const { enter, gone, clock } = places(3)
    for (const address of ['a', 'b', 'c']) {
      enter(address)
      clock.advance(100)
    }
    expect(enter('honest')).toBeNull()
    clock.advance(801)
    expect(enter('honest')).not.toBeNull()
    expect(gone).toEqual(['a'])
  })

  test('a connection that has said hello makes room for nobody', () => {
    const { enter, gone, clock } = places(2)
    enter('a')!.said()
    enter('a')!.said()
    clock.advance(60_000)
    expect(enter('honest')).toBeNull()
    expect(gone).toEqual([])
  })

  test('a connection that leaves frees its place once', () => {
    const { enter, gone } = places(1)
    const place = enter('a')!
    place.leave()
    place.leave()
    expect(enter('b')).not.toBeNull()
    expect(enter('c')).toBeNull()
    expect(gone).toEqual([])
  })

  test('unfinished hellos are bounded in bytes and pieces together: the oldest is closed first, and no longer counts', () => {
    const { enter, gone } = places(100, 10_000)
    const first = enter('a', 'first')!
    const second = enter('b', 'second')!
    first.holdsMore(4_000)
    second.holdsMore(4_000)
    expect(gone).toEqual([])
    second.holdsMore(1_000)
    expect(gone).toEqual(['first'])
    first.holdsMore(1_000)
    const third = enter('c', 'third')!
    for (let piece = 0; piece < 7; piece++) third.holdsMore(1)
    expect(gone).toEqual(['first'])
    third.holdsMore(1)
    third.holdsMore(1)
    expect(gone).toEqual(['first', 'second'])
  })

  test('in any order of events the places stay bounded, and no address makes room within a second for one that has as many', () => {
    const step = fc.record({
      kind: fc.constantFrom('enter', 'enter', 'enter', 'said', 'leave', 'wait'),
      address: fc.constantFrom('a', 'b', 'c', 'd'),
      which: fc.nat(20),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
        const clock = handClock()
        const pending = createPendingConnections({ max, maxBytes: 1e9, clock })
        let here: { address: string; since: number; silent: boolean; place: { said(): void; leave(): void } }[] = []
        let newcomer = { address: '', full: false }
        const silentOf = (address: string) => here.filter((one) => one.silent && one.address === address).length
        for (const { kind, address, which } of steps) {
          const one = here[which % Math.max(1, here.length)]
          if (kind === 'wait') clock.advance(which * 100)
          else if (kind === 'said' && one) {
            one.place.said()
            one.silent = false
          } else if (kind === 'leave' && one) {
            one.place.leave()
            here = here.filter((other) => other !== one)
          } else if (kind === 'enter') {
            const full = here.length >= max
            newcomer = { address, full }
            const mine: (typeof here)[number] = {
              address,
              since: clock.monotonic(),
              silent: true,
              place: null as never,
            }
            const place = pending.enter(address, () => {
              expect(newcomer.full && mine.silent).toBe(true)
              expect(
                silentOf(mine.address) >= silentOf(newcomer.address) + 2 || clock.monotonic() - mine.since > 1_000,
              ).toBe(true)
              here = here.filter((other) => other !== mine)
            })
            if (place) here.push(Object.assign(mine, { place }))
            else
              expect(
                full &&
                  !here.some(
                    (other) =>
                      other.silent &&
                      (clock.monotonic() - other.since > 1_000 || silentOf(other.address) >= silentOf(address) + 2),
                  ),
              ).toBe(true)
          }
          expect(here.length).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})
