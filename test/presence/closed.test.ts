import { presence } from 'livesocket/presence'
import { expect, it } from 'vitest'
import { presenceTopic } from '../../src/protocol/own-topics.js'
import { handServed, type HandLeg } from '../kit/hand-served.js'

const TOPIC = presenceTopic('room')
const ENTER = 'livesocket.presence.enter'

/**
 * Answers everything that the leg was asked, as a server that lists nobody. `next`: its list has a second page from
 * there on, which never comes.
 */
function answering(leg: HandLeg, next?: string) {
  const answered = new Set<string>()
  return () => {
    for (const { type, id, method, data } of leg.said) {
      if (type !== 'request' && type !== 'subscribe') continue
      if (next && (data as { after?: string } | undefined)?.after === next) continue
      if (answered.has(id as string)) continue
      answered.add(id as string)
      const list = { epoch: 'e', offset: 5, rows: [], you: ['member', 'mine'], next }
      leg.send(
        type === 'subscribe'
          ? { type: 'subscribed', id, topics: { [TOPIC]: { epoch: 'e', offset: 5, after: 5 } } }
          : { type: 'ack', id, ...(method !== ENTER && { data: list }) },
      )
    }
  }
}

it('a client that is reported as gone and closes at that moment waits for nothing, and enters again once it is live', async () => {
  const { socket, clock, ...hand } = handServed()
  presence(socket, 'room', { data: 'here' })
  const leg = await hand.live()
  const answer = answering(leg)
  for (let n = 0; n < 5; n++) {
    await clock.advance(100)
    answer()
  }
  const n = (leg.of('request').find(({ method }) => method === ENTER)!['data'] as { n: number }).n
  const row = ['member', 'mine', 0, n, 'here', null]
  leg.send({ type: 'message', topic: TOPIC, offset: 6, data: { set: [row] } })
  await clock.advance(1_000)
  leg.send({ type: 'message', topic: TOPIC, offset: 7, data: { gone: [['member', 'mine']] } })
  socket.close()
  await clock.advance(5_000)
  expect(clock.pending).toBe(0)
  socket.connect()
  const next = await hand.leg(2)
  next.welcome({ offset: 7 })
  await clock.advance(1_000)
  expect(next.of('request').map(({ method }) => method)).toContain(ENTER)
})

it('a client that has entered does not repeat it while the rest of a long list is loading', async () => {
  const { socket, clock, ...hand } = handServed()
  presence(socket, 'room', { data: 'here' })
  const leg = await hand.live()
  const answer = answering(leg, 'more')
  for (let n = 0; n < 20; n++) {
    await clock.advance(500)
    answer()
  }
  const asked = leg.of('request').map(({ method, data }) => [method, (data as { after?: string }).after])
  expect(asked.filter(([, after]) => after)).toEqual([['livesocket.presence', 'more']])
  expect(asked.filter(([method]) => method === ENTER)).toHaveLength(1)
})
