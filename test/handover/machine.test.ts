import { describe, expect, it } from 'vitest'
import { initialState, step } from '../../src/handover/machine.js'
import type { HandoverAsk, Effect, Event, State } from '../../src/handover/state.js'
import type * as Machine from '../../src/handover/machine.js'
import { mutant } from '../kit/mutant.js'
import { explore } from './explorer.js'

describe('every interleaving of events', () => {
  it('keeps every open leg in the state, every leg in the state open, at most two open, and every wanted dial under way', () => {
    const walk = explore(step, initialState, 40)
    expect(walk.violation).toBeNull()
    // The frontier ran empty before the depth was reached, so all states were visited, for counters up to two.
    expect(walk.depth).toBeLessThan(40)
    expect(walk.states).toBeGreaterThan(1_000)
  })

  it('keeps the same with a server that accepts one leg at a time: at most one is open', () => {
    const walk = explore(step, initialState, 40, true)
    expect(walk.violation).toBeNull()
    expect(walk.depth).toBeLessThan(40)
  })

  const mistakes: [string, string, string][] = [
    ['a dead old leg is kept', 'if (turn.old?.leg === leg) turn.old = null', ''],
    ['a third leg is dialled', "if (active && turn.old) return void (turn.wait = 'room')", ''],
    [
      'a standby leg is replaced without being closed',
      "if (standby) close(turn, standby, 'dropped') if (turn.wait !== 'room')",
      "if (standby) vacate(turn, standby.leg); if (turn.wait !== 'room')",
    ],
    ['a standby failure is not dialled again', 'if (turn.active) again(turn, verdict) else', 'if (!turn.active)'],
    ['the old leg is forgotten when the new one dies', 'turn.active = old turn.old = null', 'turn.old = null'],
    ['a stop leaves a leg open', '[turn.standby, turn.old, turn.active]', '[turn.standby, turn.active]'],
    [
      'the standby leg is dropped when the active one dies',
      'if (standby) return untried(turn)',
      'if (standby) { turn.standby = null; return }',
    ],
    ['a named url that cannot be reached is dialled over and over', 'turn.tries % 2 === 0 ?', 'turn.tries >= 0 ?'],
    ['a named url is never tried again', 'turn.tries % 2 === 0 ?', 'turn.tries === 0 ?'],
    ['a busy server is dialled at once', '++turn.tries, verdict, unopened', '++turn.tries, undefined, unopened'],
    ['a hint dials at once', 'wait(turn, backoff, 0)', 'dial(turn)'],
  ]
  it.each(mistakes)('fails if %s', async (_name, from, to) => {
    const broken = await mutant<typeof Machine>('src/handover/machine.ts', from, to)
    expect(explore(broken.step, broken.initialState, 40).violation).not.toBeNull()
  })
})

describe('the steps of one handover', () => {
  const at = { wall: 0, monotonic: 0 }
  const ask = (part: Partial<HandoverAsk> = {}): HandoverAsk => ({
    id: 'm',
    reason: 'deploy',
    by: 'server',
    url: null,
    at,
    deadline: 30_000,
    spread: 0,
    expired: false,
    ...part,
  })
  const run = (events: Event[], from: State = initialState): [State, Effect[]] =>
    events.reduce<[State, Effect[]]>(
      ([state, all], event) => {
        const [next, effects] = step(state, event)
        return [next, [...all, ...effects]]
      },
      [from, []],
    )
  const [live] = run([
    { type: 'connect', fresh: true },
    { type: 'ready', leg: 1, same: false },
  ])
  const died = (
    leg: number,
    verdict: Extract<Event, { type: 'died' }>['verdict'] = { do: 'retry', backoff: 'spread' },
  ): Event => ({ type: 'died', leg, code: 1006, verdict, opened: true, lasted: false })
  const dialled = (effects: Effect[]) =>
    effects.flatMap((effect) => (effect.do === 'dial' ? [effect.url ?? 'configured'] : []))

  it('client rule 1: the active leg serves until the cutover, and the new one opens beside it', () => {
    const [state] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }], live)
    expect([state.active?.leg, state.standby?.leg, state.old]).toEqual([1, 2, null])
    const [after] = run([{ type: 'ready', leg: 2, same: false }], state)
    expect([after.active?.leg, after.standby, after.old?.leg]).toEqual([2, null, 1])
  })

  it('client rule 2: the first dial goes to the url of the request; after it fails, dials alternate between the configured one and that one', () => {
    const failing = [2, 3, 4].flatMap((leg): Event[] => [{ type: 'due' }, died(leg)])
    const [, effects] = run(
      [{ type: 'asked', leg: 1, ask: ask({ url: 'wss://b' }) }, ...failing, { type: 'due' }],
      live,
    )
    expect(dialled(effects)).toEqual(['wss://b', 'configured', 'wss://b', 'configured'])
  })

  it('client rule 2: a reconnection goes to the configured url, whatever url the closed leg was asked to go to', () => {
    const [, effects] = run(
      [{ type: 'asked', leg: 1, ask: ask({ url: 'wss://b' }) }, { type: 'due' }, died(1), died(2), { type: 'due' }],
      live,
    )
    expect(dialled(effects)).toEqual(['wss://b', 'configured'])
  })

  it('client rule 3: dials of a handover that do not open are counted while they come in a row', () => {
    const shut = (leg: number): Event => ({ ...died(leg), opened: false }) as Event
    const [, effects] = run(
      [
        { type: 'asked', leg: 1, ask: ask() },
        { type: 'due' },
        shut(2),
        { type: 'due' },
        shut(3),
        { type: 'due' },
        died(4),
        { type: 'due' },
        shut(5),
      ],
      live,
    )
    expect(
      effects.flatMap((effect) =>
        effect.do === 'delay' && effect.backoff.kind === 'again' ? [effect.backoff.unopened] : [],
      ),
    ).toEqual([1, 2, 0, 1])
  })

  it('client rule 3: the retryAfter of a busy server holds even while another leg serves', () => {
    const busy = { do: 'retry', backoff: 'busy', retryAfter: 5_000 } as const
    const asked: Event[] = [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }]
    expect(run([...asked, died(2, busy)], live)[1].at(-1)).toEqual({
      do: 'delay',
      backoff: { kind: 'again', failures: 1, unopened: 0, retryAfter: 5_000 },
    })
    expect(run([...asked, { type: 'deadline' }, died(2, busy)], live)[1].at(-1)).toEqual({
      do: 'delay',
      backoff: { kind: 'busy', failures: 1, unopened: 0, retryAfter: 5_000 },
    })
  })

  it('a prerendered page dials when it is opened', () => {
    const [state, effects] = run([{ type: 'connect', fresh: true, held: true }])
    expect([state.wait, dialled(effects)]).toEqual(['timer', []])
    expect(dialled(run([{ type: 'due' }], state)[1])).toEqual(['configured'])
  })

  it('client rule 3: a leg that lands on the server that asked to be left is closed and dialled again; past the deadline it is used', () => {
    const [state, effects] = run(
      [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: true }],
      live,
    )
    expect(effects).toContainEqual({ do: 'close', leg: 2, why: 'same-server' })
    expect([state.active?.leg, state.wait]).toEqual([1, 'timer'])
    const [later] = run([{ type: 'deadline' }, { type: 'due' }, { type: 'ready', leg: 3, same: true }], state)
    expect(later.active?.leg).toBe(3)
  })

  it('client rule 3: in a handover that the client asked for, the same server is a success', () => {
    const [state] = run(
      [{ type: 'asked', leg: 1, ask: ask({ by: 'client' }) }, { type: 'due' }, { type: 'ready', leg: 2, same: true }],
      live,
    )
    expect(state.active?.leg).toBe(2)
  })

  it('client rule 7: whatever its code, a failed standby leg leaves the active one in use and is dialled again', () => {
    const [state] = run(
      [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, died(2, { do: 'stop', by: 'forbidden', code: 3003 })],
      live,
    )
    expect([state.status, state.active?.leg, state.wait]).toEqual(['open', 1, 'timer'])
  })

  it('client rule 7: if the active leg dies first, the standby leg becomes the reconnection, without another dial', () => {
    const [state, effects] = run(
      [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, died(1), { type: 'ready', leg: 2, same: false }],
      live,
    )
    expect(state.active?.leg).toBe(2)
    expect(dialled(effects)).toHaveLength(1)
  })

  it('client rule 7: if the new leg dies while the old one is open, the old one serves again and the handover goes on', () => {
    const [state] = run(
      [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'ready', leg: 2, same: false }, died(2)],
      live,
    )
    expect([state.active?.leg, state.old, state.wait]).toEqual([1, null, 'timer'])
  })

  it('client rule 7: with nothing ready at the deadline the active leg is kept, and the dial goes on', () => {
    const [state, effects] = run([{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'deadline' }], live)
    expect([state.active?.leg, state.standby?.leg]).toEqual([1, 2])
    expect(effects).toContainEqual(expect.objectContaining({ do: 'failed', why: 'deadline' }))
  })

  it('client rule 8: a second request on the active leg replaces the url, and a dial to the first one is dropped', () => {
    const [state, effects] = run(
      [
        { type: 'asked', leg: 1, ask: ask() },
        { type: 'due' },
        { type: 'asked', leg: 1, ask: ask({ id: 'n', url: 'wss://c' }) },
        { type: 'due' },
      ],
      live,
    )
    expect(dialled(effects)).toEqual(['configured', 'wss://c'])
    expect([state.active?.leg, state.standby?.leg]).toEqual([1, 3])
  })

  it('client rule 8: a request on the standby leg is obeyed after the cutover', () => {
    const [state, effects] = run(
      [
        { type: 'asked', leg: 1, ask: ask() },
        { type: 'due' },
        { type: 'asked', leg: 2, ask: ask({ id: 'n' }) },
        { type: 'ready', leg: 2, same: false },
      ],
      live,
    )
    expect([state.active?.ask?.id, state.wait]).toEqual(['n', 'timer'])
    expect(effects.at(-1)).toEqual({ do: 'delay', backoff: { kind: 'asked' } })
  })

  it('client rule 8: a cancellation before readiness drops the standby leg', () => {
    const [state, effects] = run(
      [{ type: 'asked', leg: 1, ask: ask() }, { type: 'due' }, { type: 'cancelled', leg: 1, id: 'm' }],
      live,
    )
    expect([state.active?.ask, state.standby, state.wait]).toEqual([null, null, 'none'])
    expect(effects).toContainEqual({ do: 'close', leg: 2, why: 'dropped' })
  })

  it('client rule 8: a cancellation on the old leg matters only if that leg serves again', () => {
    const moved = [
      { type: 'asked', leg: 1, ask: ask() },
      { type: 'due' },
      { type: 'ready', leg: 2, same: false },
    ] as Event[]
    const [state] = run([...moved, { type: 'cancelled', leg: 1, id: 'm' }, died(2)], live)
    expect([state.active?.leg, state.wait]).toEqual([1, 'none'])
  })

  it('a new request during the overlap waits, and is dialled as soon as the old leg is gone', () => {
    const moved = [
      { type: 'asked', leg: 1, ask: ask() },
      { type: 'due' },
      { type: 'ready', leg: 2, same: false },
    ] as Event[]
    const [state] = run([...moved, { type: 'asked', leg: 2, ask: ask({ id: 'n' }) }, { type: 'due' }], live)
    expect([state.wait, state.standby]).toEqual(['room', null])
    expect(run([{ type: 'old-done' }], state)[0].standby?.leg).toBe(3)
  })

  it('a leg that is still silent when its handover times out is closed, and the client is not live', () => {
    const [state, effects] = run(
      [
        { type: 'asked', leg: 1, ask: ask({ by: 'client', reason: 'silence' }) },
        { type: 'due' },
        died(2),
        { type: 'silent', lasted: false },
      ],
      live,
    )
    expect(effects).toContainEqual({ do: 'close', leg: 1, why: 'silent' })
    expect([state.active, state.wait]).toEqual([null, 'timer'])
  })

  it('a silent leg is closed when its time is over, even if its handover was cancelled meanwhile', () => {
    const [state, effects] = run(
      [
        { type: 'asked', leg: 1, ask: ask() },
        { type: 'cancelled', leg: 1, id: 'm' },
        { type: 'silent', lasted: false },
      ],
      live,
    )
    expect(effects).toContainEqual({ do: 'close', leg: 1, why: 'silent' })
    expect([state.active, state.wait]).toEqual([null, 'timer'])
  })

  it.each<[string, Event[]]>([
    ['died', [{ ...died(3), lasted: true } as Event]],
    ['fell silent', [{ type: 'silent', lasted: true }]],
    ['went with its stored page', [{ type: 'suspend', lasted: true }, { type: 'due' }, died(4)]],
  ])('a leg that lived long enough and %s resets the earlier failures', (_, end) => {
    const failing: Event[] = [
      died(1),
      { type: 'due' },
      died(2),
      { type: 'due' },
      { type: 'ready', leg: 3, same: false },
    ]
    const [before] = run(failing, live)
    expect(before.failures).toBe(2)
    expect(run(end, before)[0].failures).toBe(1)
  })

  it('gives up after three closes in a row for a violation of the protocol', () => {
    const bad = { do: 'retry', backoff: 'spread', bad: true } as const
    const [state, effects] = run([died(1, bad), { type: 'due' }, died(2, bad), { type: 'due' }, died(3, bad)], live)
    expect(state.status).toBe('closed')
    expect(effects).toContainEqual({ do: 'stopped', stop: { by: 'protocol', code: 1006 } })
  })
})
