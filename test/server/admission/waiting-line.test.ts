import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WaitingLine } from '../../../src/server/admission/waiting-line.js'

function line(text: string) {
  const all = new WaitingLine<{ address: string; name: string }>()
  const waiters = text.split(' ').map((name) => ({ address: name[0]!, name }))
  for (const waiter of waiters) all.add(waiter)
  return { all, waiters }
}
const names = (waiters: Iterable<{ name: string }>) => Array.from(waiters, ({ name }) => name).join(' ')

describe('the line of clients that wait to be greeted', () => {
  test('gives each address its turn', () => {
    const { all } = line('a1 a2 a3 a4 b1 c1 b2')
    expect(names(all.inTurn())).toBe('a1 b1 c1 a2 b2 a3 a4')
    const served = Array.from({ length: 7 }, () => all.next()!)
    expect(names(served)).toBe('a1 b1 c1 a2 b2 a3 a4')
    expect(all.next()).toBeUndefined()
  })

  test('tells a newcomer how many are ahead of it', () => {
    const { all } = line('a1 a2 a3 a4 b1 c1 b2')
    expect(['a', 'b', 'c', 'd'].map((address) => all.before(address))).toEqual([7, 6, 5, 3])
  })

  test('makes room by sending away the last client of the heaviest address, and only for an address that stays lighter', () => {
    const { all } = line('a1 a2 a3 b1 b2 c1')
    expect(all.heaviest('d')?.name).toBe('a3')
    expect(all.heaviest('c')?.name).toBe('a3')
    expect(all.heaviest('b')).toBeUndefined()
    expect(all.heaviest('a')).toBeUndefined()
    all.delete(all.heaviest('d')!)
    expect(all.heaviest('c')).toBeUndefined()
    expect(line('a1 b1').all.heaviest('c')).toBeUndefined()
  })

  test('forgets nobody, serves nobody twice, and gives no address two turns while another waits for one, in any order of arrivals', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('add', 'leave', 'next'), fc.nat(5)), { maxLength: 200 }),
        (steps) => {
          const all = new WaitingLine<{ address: string; name: string }>()
          const here: { address: string; name: string }[] = []
          for (const [at, [step, of]] of steps.entries()) {
            const waiter = { address: `${of}`, name: `${of}-${at}` }
            if (step === 'add') {
              const before = all.before(waiter.address)
              all.add(waiter)
              here.push(waiter)
              expect([...all.inTurn()].indexOf(waiter)).toBeLessThanOrEqual(before)
            } else {
              const turns = [...all.inTurn()]
              const gone = step === 'next' ? all.next() : here[of % (here.length || 1)]
              if (step === 'next') expect(gone).toBe(turns[0])
              else if (gone) all.delete(gone)
              if (gone) here.splice(here.indexOf(gone), 1)
            }
            expect(all.size).toBe(here.length)
            expect(new Set(all.inTurn())).toEqual(new Set(here))
            const most = Math.max(
              0,
              ...here.map(({ address }) => here.filter((other) => other.address === address).length),
            )
            expect(all.heaviest('nobody')?.address === undefined).toBe(most < 2)
          }
        },
      ),
    )
  })
})
