import { describe, expect, it } from 'vitest'
import type { Gap } from '../../src/index.js'
import { observe } from '../../src/testing/observation.js'

type Step =
  | number
  | [epoch: string, offset: number, data?: unknown]
  | { from: number | null; to: number | null; epoch?: string }

/**
 * What an observation reports when a live socket delivers these steps. Messages 1 to 5 were published in epoch a, and 1
 * to 2 in epoch b.
 */
function judge(steps: readonly Step[], options?: { complete?: boolean }) {
  const published = [
    ...[1, 2, 3, 4, 5].map((offset) => ['a', offset] as const),
    ['b', 1] as const,
    ['b', 2] as const,
  ].map(([epoch, offset]) => ({
    topic: 'room',
    epoch,
    offset,
    data: `${epoch}${offset}`,
  }))
  let handler: (data: unknown, message: object) => void = () => {}
  let gap: (event: Gap) => void = () => {}
  const socket = {
    subscribe: (_topic: string, given: typeof handler) => ((handler = given), () => {}),
    on: (_type: string, given: typeof gap) => ((gap = given), () => {}),
  }
  const observation = observe(
    socket as never,
    'room',
    () => published,
    () => 0,
  )
  for (const step of steps) {
    if (typeof step === 'number') handler(`a${step}`, { epoch: 'a', offset: step, leg: 1, replayed: false })
    else if (Array.isArray(step))
      handler(step[2] ?? `${step[0]}${step[1]}`, { epoch: step[0], offset: step[1], leg: 1, replayed: false })
    else gap({ topic: 'room', epoch: step.epoch ?? 'a', from: step.from, to: step.to, reason: 'trimmed' })
  }
  gap({ topic: 'another', epoch: 'a', from: 1, to: 1, reason: 'trimmed' })
  return observation.problems(options)
}

const all: Step[] = [1, 2, 3, 4, 5, { from: null, to: null, epoch: 'b' }, ['b', 1], ['b', 2]]

describe('an observation', () => {
  it.each<[string, Step[]]>([
    ['everything in order', all],
    ['a start in the middle', all.slice(3)],
    ['a gap with its bounds', [1, { from: 2, to: 4 }, ...all.slice(4)]],
    ['nothing at all', []],
  ])('finds nothing wrong with %s', (_, steps) => {
    expect(judge(steps)).toEqual([])
  })

  it.each<[string, Step[], string]>([
    ['a message twice', [1, 2, 2, ...all.slice(2)], 'room 2 of a was delivered twice or out of order'],
    ['two messages that changed places', [1, 3, 2, ...all.slice(3)], 'room 2 of a is missing, and no gap says so'],
    ['one missing', [1, ...all.slice(2)], 'room 2 of a is missing, and no gap says so'],
    ['one message missing at the end', all.slice(0, -1), 'room 2 of b is missing at the end'],
    [
      'a gap that includes a delivered message',
      [1, 2, { from: 2, to: 3 }, ...all.slice(3)],
      'room 2 of a is in a gap and was delivered',
    ],
    [
      'a gap that ends too early',
      [1, { from: 2, to: 2 }, ...all.slice(3)],
      'room 3 of a is missing, and no gap says so',
    ],
    ['a message that was never published', [...all, ['b', 3]], 'room 3 of b was delivered and never published'],
    ['altered data', [['a', 1, 'something else'], ...all.slice(1)], 'room 1 of a was altered'],
  ])('finds %s', (_, steps, problem) => {
    expect(judge(steps)).toContain(problem)
  })

  it('before the end, it does not report messages as missing that may still arrive', () => {
    expect(judge([1, 2, 3], { complete: false })).toEqual([])
  })
})
