import { expect, test } from 'vitest'
import { stoppable } from '../../kit/stoppable-clock.js'
import { redisWith, until } from './redis-kit.js'

const origin = { session: 's', id: 'p' }

test('a node that dies while it decides a publish holds the others up for a second at most', async () => {
  const { open } = await redisWith()
  const { clock, stop } = stoppable()
  const [dead, alive] = [open({ clock }), open()]
  await alive.head('t')
  let decides = false
  void dead.once(origin, () => new Promise(() => void (decides = true))).catch(() => undefined)
  await until(() => decides, 'it decides')
  stop()
  const begun = performance.now()
  expect(await alive.once(origin, async () => 'decided')).toBe('decided')
  // Beside a second, what a busy machine takes.
  expect(performance.now() - begun).toBeLessThan(2_500)
})

test('a publish that takes long to decide is decided once, however long it takes', async () => {
  const { open } = await redisWith()
  const [slow, other] = [open(), open()]
  await other.head('t')
  let running = false
  let done: () => void = () => undefined
  const first = slow.once(
    origin,
    () =>
      new Promise<void>((resolve) => {
        running = true
        done = () => {
          running = false
          resolve()
        }
      }),
  )
  await until(() => running, 'it decides')
  const begun = performance.now()
  const second = other.once(origin, async () => running)
  await until(() => performance.now() - begun > 2_500, 'time passes')
  done()
  await first
  expect(await second).toBe(false)
})
