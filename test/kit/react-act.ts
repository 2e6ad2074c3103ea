import { act as reactAct, cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

/**
 * React's `act`, which ends with its test. A test that times out leaves a scope of `act` open. React then treats every
 * later scope in the file as an inner one and renders nothing in it, so that one slow test would fail all tests after
 * it. Here a scope stops waiting when its test is over.
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
