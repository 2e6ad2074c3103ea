import { describe, expect, it } from 'vitest'
import type { HandoverAsk, Backoff } from '../../src/handover/state.js'
import { delayOf } from '../../src/handover/dial-delay.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

const START = 1_893_456_000_000

function delay(
  backoff: Backoff,
  facts: {
    ask?: Partial<HandoverAsk>
    dwell?: number
    dialTook?: number
    draw?: number
    spread?: number
    placed?: boolean
  } = {},
) {
  const clock = createSimulatedClock(START)
  const ask: HandoverAsk | null = facts.ask
    ? {
        id: 'a',
        reason: 'deploy',
        by: 'server',
        url: null,
        at: { wall: START, monotonic: 0 },
        deadline: 30_000,
        spread: 0,
        expired: false,
        ...facts.ask,
      }
    : null
  const of = {
    settings: {
      clock,
      random: () => facts.draw ?? 0.5,
      handover: { dwell: 1_000 },
      reconnect: { spread: facts.spread ?? 30_000, cap: 120_000 },
    },
    state: { active: { ask } },
    dials: { took: facts.dialTook ?? 0, placed: facts.placed ?? false },
    handoverRecord: { sinceCutover: 1_000 - (facts.dwell ?? 0) },
  }
  return delayOf(backoff, of as unknown as Parameters<typeof delayOf>[1])
}

describe('how long the next dial waits', () => {
  it.each<[string, Backoff, Parameters<typeof delay>[1], number]>([
    ['a handover that is wanted now does not wait', { kind: 'now' }, { ask: { spread: 9_000 } }, 0],
    ['a handover without a spread does not wait', { kind: 'asked' }, { ask: {} }, 0],
    ['a handover that was cancelled does not wait', { kind: 'asked' }, {}, 0],
    ['a random part of the spread', { kind: 'asked' }, { ask: { spread: 10_000 }, draw: 0.25 }, 2_500],
    [
      'a spread past the deadline is cut to leave a second for the dial',
      { kind: 'asked' },
      { ask: { spread: 60_000, deadline: 11_000 }, draw: 0.9999 },
      9_999,
    ],
    [
      'and to leave more than a second if the last dial was slow',
      { kind: 'asked' },
      { ask: { spread: 60_000, deadline: 11_000 }, dialTook: 2_000, draw: 0.9999 },
      4_999.5,
    ],
    ['past the deadline there is no wait', { kind: 'asked' }, { ask: { spread: 60_000, deadline: 0 } }, 0],
    ['soon after a cutover the rest of the dwell', { kind: 'asked' }, { ask: {}, dwell: 800 }, 800],
    ['but at most half the deadline of it', { kind: 'asked' }, { ask: { deadline: 1_000 }, dwell: 800 }, 500],
    [
      'the longer of the dwell and the drawn part of the spread, not their sum',
      { kind: 'asked' },
      { ask: { spread: 10_000 }, dwell: 800 },
      5_000,
    ],
    [
      'client rule 3: the second dial of a handover, U(0, 200 ms)',
      { kind: 'again', failures: 1, unopened: 1 },
      {},
      100,
    ],
    ['client rule 3: the fifth, U(0, 2 s)', { kind: 'again', failures: 5, unopened: 0 }, {}, 1_000],
    [
      'client rule 3: longer after three dials that did not open',
      { kind: 'again', failures: 3, unopened: 3 },
      {},
      1_350,
    ],
    [
      'client rule 3: longer and longer, up to 10 s',
      { kind: 'again', failures: 20, unopened: 20 },
      { draw: 1 },
      10_000,
    ],
    [
      'client rule 3: for a busy server its retryAfter, and up to as much again',
      { kind: 'again', failures: 1, unopened: 0, retryAfter: 5_000 },
      { draw: 1 },
      10_000,
    ],
    [
      'client rule 3: the last dial comes before the deadline',
      { kind: 'again', failures: 20, unopened: 20 },
      { ask: { deadline: 5_000 }, dialTook: 500 },
      2_625,
    ],
    [
      'client rule 3: but not sooner when the deadline is too near for another dial',
      { kind: 'again', failures: 20, unopened: 20 },
      { ask: { deadline: 1_000 } },
      7_500,
    ],
    [
      'client rule 3: and never sooner than the retryAfter of a busy server',
      { kind: 'again', failures: 1, unopened: 0, retryAfter: 5_000 },
      { ask: { deadline: 5_000 } },
      7_500,
    ],
    [
      'client rule 3: between the retryAfter and a deadline soon after it, if there is one',
      { kind: 'again', failures: 1, unopened: 0, retryAfter: 5_000 },
      { ask: { deadline: 6_500 } },
      5_250,
    ],
    ['a busy server without retryAfter: 5 s and the spread', { kind: 'busy', failures: 0 }, {}, 20_000],
    ['a server that is gone: 250 ms and the spread', { kind: 'spread', failures: 0 }, {}, 15_250],
    ['a second failure: twice the spread', { kind: 'spread', failures: 1 }, {}, 30_250],
    [
      'the first dial of a reconnection found no server: the same place, one spread later',
      { kind: 'spread', failures: 1 },
      { placed: true, draw: 0.9 },
      30_250,
    ],
    [
      'a busy server with a spread of its own: its retryAfter and that spread, whatever failed before',
      { kind: 'busy', failures: 6, retryAfter: 7_000, spread: 1_000 },
      {},
      7_500,
    ],
    ['a close that hit only this client: half a second', { kind: 'early', failures: 0 }, {}, 550],
    ['but not a second time', { kind: 'early', failures: 1 }, {}, 30_250],
    ['a busy server: its retryAfter and the spread', { kind: 'busy', failures: 0, retryAfter: 7_000 }, {}, 22_000],
  ])('%s', (_, backoff, facts, expected) => {
    expect(delay(backoff, facts)).toBeCloseTo(expected, 0)
  })

  it('counts from the moment of the request, not from the moment of the calculation', () => {
    expect(
      delay(
        { kind: 'asked' },
        { ask: { spread: 60_000, deadline: 20_000, at: { wall: START - 10_000, monotonic: 0 } }, draw: 0.9999 },
      ),
    ).toBeCloseTo(9_000, -1)
  })
})
