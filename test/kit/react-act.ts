import { act as reactAct, cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

/**
 * React's `act`, which ends with its test. A test that runs out of time stands in a scope of `act` that nobody leaves,
 * and React takes every later one of the file for an inner one, which renders nothing until the outer one is left: one
 * slow test would fail all that follow it. Here what a scope waits for is given up when the test is over.
 */
export function act<Result>(task: () => Promise<Result>): Promise<Result>
export function act(task: () => void): void
export function act(task: () => unknown): unknown {
  let giveUp = () => {}
  const over = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('The test was over before this was done.'))
  })
  let waits = false
  const scope: unknown = reactAct(() => {
    const done = task()
    if (!(done instanceof Promise)) return
    waits = true
    return Promise.race([done, over])
  })
  if (!waits) return
  const left = Promise.resolve(scope)
  const one = { giveUp, left }
  open.add(one)
  const close = () => void open.delete(one)
  left.then(close, close)
  return left
}

const open = new Set<{ giveUp(): void; readonly left: Promise<unknown> }>()

afterEach(async () => {
  const unfinished = [...open]
  for (const { giveUp } of unfinished) giveUp()
  await Promise.allSettled(unfinished.map(({ left }) => left))
  cleanup()
})
