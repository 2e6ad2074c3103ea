import { describe, expect, it } from 'vitest'
import { initialState, step, type Ask, type Effect, type Event, type State } from '../../src/handover/machine.js'
import type * as Machine from '../../src/handover/machine.js'
import { mutant } from '../kit/mutant.js'
import { explore } from './explorer.js'

describe('every interleaving of events', () => {
  it('keeps every open leg named, every named leg open, never more than two, and every wanted dial under way', () => {
    const walk = explore(step, initialState, 40)
    expect(walk.violation).toBeNull()
    // The frontier ran empty before the depth was reached: what was walked is all there is, for counters up to two.
    expect(walk.depth).toBeLessThan(40)
    expect(walk.states).toBeGreaterThan(1_000)
  })

  it('keeps the same where a server takes one leg at a time: never more than one is open', () => {
    const walk = explore(step, initialState, 40, true)
    expect(walk.violation).toBeNull()
    expect(walk.depth).toBeLessThan(40)
  })

  const mistakes: [string, string, string][] = [
    ['a dead old leg is kept', 'const next = { ...state, old: null, tries: 0 }', 'const next = { ...state, tries: 0 }'],
    ['a third leg is dialled', "if (state.active && state.old) return [{ ...state, wait: 'room' }, []]", ''],
    ['a standby leg is replaced without being closed', "...replaced, { do: 'close', leg: standby.leg, why: 'dropped' })", '...replaced)'],
    ['a standby failure is not dialled again', "return wait({ ...next, active }, ask.expired", 'return true ? [{ ...next, active }, []] : wait({ ...next, active }, ask.expired'],
    ['the old leg is forgotten when the new one dies', 'active: old, old: null, wait', 'active: null, old: null, wait'],
    ['a stop leaves a leg open', '[state.standby, state.active, state.old]', '[state.standby, state.active]'],
    ['the standby leg is dropped when the active one dies', 'if (standby || !old) return [{ ...state, active: null, tries: 0 }, []]', 'if (standby || !old) return [{ ...state, active: null, standby: null, tries: 0 }, []]'],
  ]
  it.each(mistakes)('would notice if %s', async (_name, from, to) => {
    const broken = await mutant<typeof Machine>('src/handover/machine.ts', from, to)
    expect(explore(broken.step, broken.initialState, 40).violation).not.toBeNull()
  })
})

describe('one move at a time, in words', () => {
  const at = { wall: 0, monotonic: 0 }
  const ask = (part: Partial<Ask> = {}): Ask => ({ id: 'm', reason: 'deploy', by: 'server', url: null, at, deadline: 30_000, spread: 0, expired: false, ...part })
  const run = (events: Event[], from: State = initialState): [State, Effect[]] =>
    events.reduce<[State, Effect[]]>(([state, all], event) => {
      const [next, effects] = step(state, event)
      return [next, [...all, ...effects]]
    }, [from, []])
  const [live] = run([{ type: 'connect', fresh: true }, { type: 'ready', leg: 1, same: false }])
  const died = (leg: number, verdict: Extract<Event, { type: 'died' }>['verdict'] = { do: 'retry', pace: 'spread' }): Event => ({ type: 'died', leg, code: 1006, verdict, lasted: false })
  const dialled = (effects: Effect[]) => effects.flatMap((effect) => (effect.do === 'dial' ? [effect.url ?? 'configured'] : []))

  it('client rule 1: the active leg serves until the cutover, and the new one opens beside it', () => {
    const [state] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }], live)
    expect([state.active?.leg, state.standby?.leg, state.old]).toEqual([1, 2, null])
    const [after] = run([{ type: 'ready', leg: 2, same: false }], state)
    expect([after.active?.leg, after.standby, after.old?.leg]).toEqual([2, null, 1])
  })

  it('client rule 2: the first dial goes to the url that was asked for, the one after its failure to the configured one', () => {
    const [, effects] = run([{ type: 'asked', leg: 1, ask: ask({ url: 'wss://b' }) }, { type: 'due' }, died(2), { type: 'due' }], live)
    expect(dialled(effects)).toEqual(['wss://b', 'configured'])
  })

  it('client rule 3: landing on the server that asked to be left is closed and dialled again; past the deadline it is taken', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: true }], live)
    expect(effects).toContainEqual({ do: 'close', leg: 2, why: 'same-server' })
    expect([state.active?.leg, state.wait]).toEqual([1, 'timer'])
    const [later] = run([{ type: 'deadline', alive: true }, { type: 'due' }, { type: 'ready', leg: 3, same: true }], state)
    expect(later.active?.leg).toBe(3)
  })

  it('client rule 3: in a handover that the client asked for, the same server is a success', () => {
    const [state] = run([{ type: 'asked', leg: 1, ask: ask({ by: 'client' }) }, { type: 'due' }, { type: 'ready', leg: 2, same: true }], live)
    expect(state.active?.leg).toBe(2)
  })

  it('client rule 7: whatever its code, a failed standby leg leaves the active one in use and is dialled again', () => {
    const [state] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, died(2, { do: 'stop', by: 'forbidden', code: 3003 })], live)
    expect([state.status, state.active?.leg, state.wait]).toEqual(['open', 1, 'timer'])
  })

  it('client rule 7: if the active leg dies first, the standby leg becomes the reconnection and is not started over', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, died(1), { type: 'ready', leg: 2, same: false }], live)
    expect(state.active?.leg).toBe(2)
    expect(dialled(effects)).toHaveLength(1)
  })

  it('client rule 7: if the new leg dies while the old one lives, the old one serves again and the move goes on', () => {
    const [state] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: false }, died(2)], live)
    expect([state.active?.leg, state.old, state.wait]).toEqual([1, null, 'timer'])
  })

  it('client rule 7: with nothing ready at the deadline the active leg is kept, and the dial goes on', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'deadline', alive: true }], live)
    expect([state.active?.leg, state.standby?.leg]).toEqual([1, 2])
    expect(effects).toContainEqual(expect.objectContaining({ do: 'failed', why: 'deadline' }))
  })

  it('client rule 8: a second request on the active leg replaces the url, and a dial to the former one is dropped', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'asked', leg: 1, ask: ask({ id: 'n', url: 'wss://c' }) }, { type: 'due' }], live)
    expect(dialled(effects)).toEqual(['configured', 'wss://c'])
    expect([state.active?.leg, state.standby?.leg]).toEqual([1, 3])
  })

  it('client rule 8: a request on the standby leg is served after the cutover', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'asked', leg: 2, ask: ask({ id: 'n' }) }, { type: 'ready', leg: 2, same: false }], live)
    expect([state.active?.ask?.id, state.wait]).toEqual(['n', 'timer'])
    expect(effects.at(-1)).toEqual({ do: 'wait', pace: { kind: 'asked' } })
  })

  it('client rule 8: a cancellation before readiness drops the standby leg', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'cancelled', leg: 1, id: 'm' }], live)
    expect([state.active?.ask, state.standby, state.wait]).toEqual([null, null, 'none'])
    expect(effects).toContainEqual({ do: 'close', leg: 2, why: 'dropped' })
  })

  it('client rule 8: on the old leg a cancellation only changes what holds should it serve again', () => {
    const moved = [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: false }] as Event[]
    const [state] = run([...moved, { type: 'cancelled', leg: 1, id: 'm' }, died(2)], live)
    expect([state.active?.leg, state.wait]).toEqual([1, 'none'])
  })

  it('a new request while both legs live waits for room, and is dialled the moment the old leg is gone', () => {
    const moved = [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: false }] as Event[]
    const [state] = run([...moved, { type: 'asked', leg: 2, ask: ask({ id: 'n' }) }, { type: 'due' }], live)
    expect([state.wait, state.standby]).toEqual(['room', null])
    expect(run([{ type: 'old-done' }], state)[0].standby?.leg).toBe(3)
  })

  it('a leg that stays silent to the end of its move is dead, and the application is not told that it is live', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask({ by: 'client', reason: 'silence' }) }, { type: 'due' }, died(2), { type: 'deadline', alive: false }], live)
    expect(effects).toContainEqual({ do: 'close', leg: 1, why: 'silent' })
    expect([state.active, state.wait]).toEqual([null, 'timer'])
  })

  it('gives up after three closings in a row that say "I do not understand you"', () => {
    const bad = { do: 'retry', pace: 'spread', bad: true } as const
    const [state, effects] = run([died(1, bad), { type: 'due' }, died(2, bad), { type: 'due' }, died(3, bad)], live)
    expect(state.status).toBe('closed')
    expect(effects).toContainEqual({ do: 'stopped', stop: { by: 'protocol', code: 1006 } })
  })
})
