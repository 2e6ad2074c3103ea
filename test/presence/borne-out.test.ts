import { presence } from 'livesocket/presence'
import { expect, it } from 'vitest'
import { presenceTopic } from '../../src/protocol/own-topics.js'
import { handServed } from '../kit/hand-served.js'

const TOPIC = presenceTopic('room')
const ENTER = 'livesocket.presence.enter'
const LEAVE = 'livesocket.presence.leave'

/** A client that has entered, in a topic that says about it whatever the test wants. */
async function entered() {
  const { socket, clock, live } = handServed()
  const here = presence(socket, 'room', { data: 'first' })
  const leg = await live()
  const known = new Set<unknown>()
  /** Answers the requests made since the last call. Requests that change presence are answered only if `taken`. */
  async function answer(taken = true) {
    await clock.advance(50)
    for (const { type, id, method } of leg.said) {
      if ((type !== 'request' && type !== 'subscribe') || known.has(id)) continue
      const changes = method === ENTER || method === LEAVE
      if (changes && !taken) continue
      known.add(id)
      if (type === 'subscribe')
        leg.send({ type: 'subscribed', id, topics: { [TOPIC]: { epoch: 'e', offset: 5, after: 5 } } })
      else {
        const list = { epoch: 'e', offset: 5, rows: [], you: ['member', 'mine'] }
        leg.send({ type: 'ack', id, ...(!changes && { data: list }) })
      }
    }
  }
  for (let n = 0; n < 4; n++) await answer()
  const said = (method: string) => leg.of('request').filter((frame) => frame['method'] === method)
  let offset = 5
  const tell = (data: object) => leg.send({ type: 'message', topic: TOPIC, offset: ++offset, data })
  const there = (n: number, data: string) => tell({ set: [['member', 'mine', n, n, data, null]] })
  const gone = () => tell({ gone: [['member', 'mine']] })
  const numberOf = (at: number) => (said(ENTER).at(at)!['data'] as { n: number }).n
  there(numberOf(0), 'first')
  await clock.advance(1_000)
  return { here, clock, answer, said, there, gone, numberOf }
}

it('repeats its entry within half a second if the topic has lost it or has an older one', async () => {
  const { here, clock, answer, said, there, gone, numberOf } = await entered()
  gone()
  await clock.advance(500)
  expect(said(ENTER)).toHaveLength(2)
  there(numberOf(1), 'first')
  await answer()
  void here.update('second')
  await answer()
  there(numberOf(2), 'second')
  there(numberOf(1), 'first')
  await clock.advance(500)
  expect(said(ENTER).map(({ data }) => (data as { data: string }).data)).toEqual(['first', 'first', 'second', 'second'])
  there(numberOf(3), 'second')
  await answer()
  await clock.advance(10_000)
  expect(said(ENTER)).toHaveLength(4)
})

it('does not repeat its entry if the topic already becomes correct: a replayed older entry is not news', async () => {
  const { here, clock, answer, said, there, gone, numberOf } = await entered()
  void here.update('second')
  await answer()
  gone()
  there(numberOf(0), 'first')
  there(numberOf(1), 'second')
  await clock.advance(10_000)
  expect(said(ENTER)).toHaveLength(2)
})

it('counts as entered once the topic shows it, even before the answer arrives', async () => {
  const { here, clock, answer, said, there, gone, numberOf } = await entered()
  let told = ''
  void here.update('second').then(() => (told += 'updated '))
  await answer(false)
  expect(told).toBe('')
  there(numberOf(1), 'second')
  await answer()
  expect(told).toBe('updated ')
  void here.leave().then(() => (told += 'left'))
  // This may concern an earlier enter: a later one may still be under way.
  gone()
  await answer()
  await clock.advance(10_000)
  expect([told, said(LEAVE).length, said(ENTER).length]).toEqual(['updated left', 1, 2])
})
