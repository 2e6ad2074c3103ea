import { test } from 'vitest'
import { lateFirstCopy } from '../log/late-copies.js'
import { redisWith } from './redis-kit.js'

test('an acknowledged publish whose first copy arrives late at another node is not applied again, although its answer is forgotten', async () => {
  const { open } = await redisWith()
  await lateFirstCopy(() => open({ dedupe: { maxIds: 1 } }))
}, 20_000)
