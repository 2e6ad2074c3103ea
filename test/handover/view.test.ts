import { describe, expect, it } from 'vitest'
import { initialState } from '../../src/handover/machine.js'
import type { HandoverAsk, State } from '../../src/handover/state.js'
import { viewOf } from '../../src/handover/view.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

const START = 1_893_456_000_000
const ASK: HandoverAsk = {
  id: 'h',
  reason: 'deploy',
  by: 'server',
  url: null,
  at: { wall: START - 1_000, monotonic: 0 },
  deadline: 30_000,
  spread: 0,
  expired: false,
}

/** `left`: ms to the next dial; `cutover`: the handover whose old leg still lives. */
function shown(state: Partial<State>, { left = null as number | null, cutover = false } = {}) {
  const leg = {
    number: 3,
    url: 'wss://live.test/live',
    welcome: { server: 'b', at: { wall: START - 5_000, monotonic: 0 } },
  }
  const of = {
    settings: { clock: createSimulatedClock(START) },
    state: { ...initialState, status: 'open', ...state },
    activeLeg: state.active ? leg : undefined,
    handoverRecord: { cutover: cutover ? { ask: ASK } : null },
    dialTimer: { left },
  }
  return viewOf(of as unknown as Parameters<typeof viewOf>[0])
}

const SERVING = { number: 3, url: 'wss://live.test/live', server: 'b', since: START - 5_000 }
const HANDOVER = { id: 'h', reason: 'deploy', deadline: START + 29_000 }

describe('the public state of legs and handovers', () => {
  it('names the active leg, and nothing else while no handover runs', () => {
    expect(shown({ active: { leg: 3, ask: null } })).toEqual({ leg: SERVING, handover: null, retry: null })
  })

  it.each<['waiting' | 'dialling' | 'overlapping', Partial<State>, boolean]>([
    ['waiting', { active: { leg: 3, ask: ASK }, wait: 'timer' }, false],
    ['dialling', { active: { leg: 3, ask: ASK }, standby: { leg: 4, ask: null, url: null } }, false],
    ['overlapping', { active: { leg: 3, ask: null }, old: { leg: 2, ask: ASK } }, true],
  ])('says that a handover is %s, and its deadline', (phase, state, cutover) => {
    expect(shown(state, { cutover })).toEqual({ leg: SERVING, handover: { ...HANDOVER, phase }, retry: null })
  })

  it('shows the number and the time of the next dial while no leg serves', () => {
    const retry = { attempt: 2, at: START + 750 }
    expect(shown({ wait: 'timer', failures: 2 }, { left: 750 })).toEqual({ leg: null, handover: null, retry })
    expect(shown({ wait: 'timer', failures: 2 }).retry).toEqual({ attempt: 2, at: START })
  })
})
