import { test } from 'vitest'
import { memoryLog } from '../../src/server/index.js'
import { lateFirstCopy } from './late-copies.js'

test('an acknowledged publish whose first copy arrives late is not applied again, although its answer is forgotten', async () => {
  const log = memoryLog({ dedupe: { maxIds: 1 } })
  await lateFirstCopy(() => log)
}, 20_000)
