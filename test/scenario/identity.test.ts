import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { expect, it } from 'vitest'
import { SECOND } from './signed-in.js'

/** Two sockets of one browser, each with a token service of its own: who asked whom, and whose token was sent where. */
async function two(one: Partial<LiveSocketOptions>, other: Partial<LiveSocketOptions>) {
  const sim = createSimulation({ seed: 1 })
  const minted = new Map<string, string>()
  const asked: string[] = []
  const sockets = [one, other].map((options, place) => {
    const name = ['one', 'other'][place]!
    return createLiveSocket({
      getToken: async (ask) => {
        asked.push(name)
        const answer = (await sim.getToken(ask)) as { token: string }
        minted.set(answer.token, name)
        return answer
      },
      environment: sim.tab(),
      ...options,
    } as LiveSocketOptions)
  })
  for (const socket of sockets) {
    socket.connect()
    await sim.advance(SECOND)
  }
  const sent = sim.wire
    .filter(({ text }) => text.includes('"hello"'))
    .map(({ text }) => minted.get(JSON.parse(text).token as string))
  sockets[1]!.signOut()
  await sim.advance(SECOND)
  const { status } = sockets[0]!.store.getState()
  sockets[0]!.close()
  return { asked, sent, apart: status === 'live' }
}

const APART = { asked: ['one', 'other'], sent: ['one', 'other'], apart: true }
const TOGETHER = { asked: ['one'], sent: ['one', 'one'], apart: false }

it('sockets whose url is a function share no token and no sign-out', async () => {
  expect(await two({ url: () => 'wss://live.test/bank' }, { url: () => 'wss://live.test/widget' })).toEqual(APART)
})

it('sockets whose URLs differ in the query share no token and no sign-out', async () => {
  expect(await two({ url: 'wss://live.test/live?room=1' }, { url: 'wss://live.test/live?room=2' })).toEqual(APART)
})

it('sockets whose URLs are the same but for their spelling share token and sign-out', async () => {
  expect(await two({ url: 'https://live.test/a/../live#top' }, { url: new URL('wss://LIVE.test/live') })).toEqual(
    TOGETHER,
  )
})

it('sockets with the same key share token and sign-out, whatever their URLs', async () => {
  expect(
    await two(
      { key: 'live:ann', url: () => 'wss://live.test/live' },
      { key: 'live:ann', url: 'wss://live.test/live?room=2' },
    ),
  ).toEqual(TOGETHER)
})

it('sockets with different keys share no token and no sign-out, even with the same URL', async () => {
  expect(
    await two({ key: 'live:ann', url: 'wss://live.test/live' }, { key: 'live:bea', url: 'wss://live.test/live' }),
  ).toEqual(APART)
})
