import { expect, test } from 'vitest'
import { liveServer } from './kit.js'

test('a drain resolves as soon as every leg has gone by itself', async () => {
  const server = await liveServer()
  const legs = await Promise.all([server.join(), server.join(), server.join()])
  const drained = server.drain({ url: 'wss://green.example/live', reason: 'deploy 7', spread: 20 })
  for (const leg of legs) {
    expect(await leg.next('handover')).toEqual({
      type: 'handover', id: expect.any(String), reason: 'deploy 7', url: 'wss://green.example/live', spread: 20, deadline: expect.any(Number),
    })
    leg.close()
  }
  expect(await drained).toEqual({ moved: 3, forced: 0 })
})
