import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket, type LiveSocket, type LiveSocketError } from '../../src/index.js'
import { presence, type Member, type Presence } from '../../src/presence/index.js'
import { memoryLog, type LiveServerOptions } from '../../src/server/index.js'
import { liveServer, until } from '../server/kit.js'

interface User {
  readonly subject?: string
}

type Options = Partial<LiveServerOptions<User>>

/** A server that takes the token as the name of the user. */
async function server(options: Options = {}) {
  return liveServer<User>({
    authenticate: ({ token }) => (token === 'nobody' ? {} : { subject: token ?? 'anybody' }),
    presence: ({ user }) => ({ show: { name: user.subject ?? 'guest' } }),
    ...options,
  })
}

function client(url: string | (() => string), token = 'ann'): LiveSocket {
  const socket = createLiveSocket({ url, getToken: async () => token, environment: { WebSocket } })
  onTestFinished(() => socket.close())
  socket.connect()
  return socket
}

/** What a list shows, and every list that was shown before. */
function watch<Data>(here: Presence<Data, { name: string }>) {
  const shown: string[][] = []
  const undo = here.members.subscribe((members) => void shown.push(names(members)))
  onTestFinished(undo)
  return shown
}

const names = (members: readonly Member<any, any>[]) =>
  members.map(({ user, connections }) => `${user.name}:${connections.map(({ data }) => JSON.stringify(data))}`).sort()

const look = (here: Presence<any, any>) => names(here.members.getState())
const outcome = (asked: Promise<unknown>) =>
  asked.then(
    () => 'done',
    ({ code, reason }: LiveSocketError) => [code, reason],
  )

describe('who is in a topic', () => {
  test('is visible to all watchers, with each member’s data, until the member leaves', async () => {
    const { address, members } = await server()
    const [ann, bob] = [client(address(), 'ann'), client(address(), 'bob')]
    const [a, b] = [presence<any, any>(ann, 'room'), presence<any, any>(bob, 'room', { data: { at: 1 } })]
    watch(a)
    watch(b)
    await until(() => look(a).length === 1, 'ann sees bob')
    expect(look(a)).toEqual(['bob:{"at":1}'])
    await a.enter()
    await b.update({ at: 2 })
    await until(() => look(a).length === 2 && look(b).join().includes('"at":2'), 'both see both')
    expect(look(a)).toEqual(['ann:null', 'bob:{"at":2}'])
    await until(() => look(b).length === 2, 'bob too')
    expect(look(b)).toEqual(look(a))
    expect(await members('room')).toEqual(a.members.getState())
    expect(await members('elsewhere')).toEqual([])
    await b.leave()
    await until(() => look(a).length === 1, 'bob has left')
    expect(look(a)).toEqual(['ann:null'])
  })

  test('two tabs of one subject are one member with two connections; each guest is a member', async () => {
    const { address } = await server()
    const all = ['ann', 'ann', 'nobody', 'nobody'].map((token) => presence<any, any>(client(address(), token), 'room'))
    watch(all[0]!)
    for (const [at, one] of all.entries()) await one.enter(at)
    await until(() => all[0]!.members.getState().length === 3, 'three members')
    expect(look(all[0]!)).toEqual(['ann:0,1', 'guest:2', 'guest:3'])
    await all[1]!.leave()
    await until(() => look(all[0]!).includes('ann:0'), 'one tab less')
    expect(all[0]!.members.getState()).toHaveLength(3)
    expect(JSON.stringify(all[0]!.members.getState())).not.toContain('subject')
  })
})

describe('a refusal is reported, and changes nothing else', () => {
  const failure = (asked: Promise<unknown>) =>
    asked.then(
      () => null,
      ({ code, reason }: LiveSocketError) => ({ code, reason }),
    )

  test('a megabyte of data, or data that JSON cannot express: the earlier data stays', async () => {
    const { address, members } = await server({ limits: { maxFrame: 4_000_000 } })
    const here = presence<any, any>(client(address()), 'room')
    watch(here)
    expect(await outcome(here.update(1))).toEqual(['invalid', undefined])
    expect(await failure(here.enter('x'.repeat(1_000_000)))).toEqual({ code: 'too-large', reason: 'too-large' })
    expect(await members('room')).toEqual([])
    await here.enter('small')
    expect(await failure(here.update('x'.repeat(1_000_000)))).toEqual({ code: 'too-large', reason: 'too-large' })
    expect(await outcome(here.update(1n))).toEqual(['invalid', undefined])
    expect(names(await members('room'))).toEqual(['ann:"small"'])
    await here.update('smaller')
    expect(names(await members('room'))).toEqual(['ann:"smaller"'])
  })

  test('a member of more topics than it may be in', async () => {
    const { address, members } = await server({ limits: { maxPresences: 3 } })
    const socket = client(address())
    const all = Array.from({ length: 5 }, (_, at) => presence<any, any>(socket, `room ${at}`))
    const outcomes = []
    for (const one of all) outcomes.push(await failure(one.enter()))
    expect(outcomes).toEqual([
      null,
      null,
      null,
      { code: 'refused', reason: 'limit' },
      { code: 'refused', reason: 'limit' },
    ])
    expect(await members('room 0')).toHaveLength(1)
    expect(await members('room 4')).toHaveLength(0)
  })

  test('updates in a tight loop become one, with the newest data', async () => {
    const { address, members, head } = await server()
    const here = presence<any, any>(client(address()), 'room')
    await here.enter(0)
    const before = (await head('livesocket.presence:room')).offset
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => here.update(at + 1)))
    expect(names(await members('room'))).toEqual(['ann:1000'])
    expect((await head('livesocket.presence:room')).offset - before).toBeLessThanOrEqual(2)
  })

  test('watching a topic that this user may not see reports the refusal', async () => {
    const { address } = await server({ presence: () => true, authorize: ({ topic }) => topic === 'room' })
    const bob = client(address(), 'bob')
    const told = new Promise((resolve) => bob.on('error', resolve))
    presence(bob, 'secret').members.subscribe(() => {})
    expect(await told).toMatchObject({ error: { cause: { code: 'forbidden' } } })
  })

  test('entering is refused for a user who may not be shown, without presence on the server, and in a forbidden topic', async () => {
    const { address } = await server({
      presence: ({ user }) => user.subject !== 'ann',
      authorize: ({ topic }) => topic === 'room',
    })
    const [ann, bob] = [client(address(), 'ann'), client(address(), 'bob')]
    expect(await outcome(presence(ann, 'room').enter())).toEqual(['forbidden', 'forbidden'])
    expect(await outcome(presence(bob, 'room').enter())).toBe('done')
    expect(await outcome(presence(bob, 'secret').enter())).toEqual(['forbidden', 'forbidden'])
    expect(await outcome(bob.publish('livesocket.presence:room', { gone: [] }))).toEqual(['forbidden', 'forbidden'])
    const none = await server({ presence: undefined })
    // The server refuses both the topic and the method, in either order.
    expect(['forbidden', 'refused']).toContain((await failure(presence(client(none.address()), 'room').enter()))!.code)
    await expect(none.members('room')).rejects.toMatchObject({ code: 'invalid' })
  })

  test('before the socket is live it waits; a sign-out ends it, and the next session is in no topic', async () => {
    const { address, members } = await server({ limits: { presenceGrace: 0 } })
    const socket = createLiveSocket({ url: address, getToken: async () => 'ann', environment: { WebSocket } })
    onTestFinished(() => socket.close())
    const here = presence<any, any>(socket, 'room')
    const entered = here.enter(1)
    socket.connect()
    await entered
    expect(names(await members('room'))).toEqual(['ann:1'])
    const late = outcome(here.update(2))
    socket.signOut()
    expect(await late).toEqual(['closed', undefined])
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'it is live again')
    expect(await outcome(here.update(3))).toEqual(['invalid', undefined])
  })
})

test('a member who may not see the topic any more after a change of leg is not shown there any more either', async () => {
  const out = new Set<string>()
  const { address, members } = await server({ authorize: ({ user }) => !out.has(user.subject!) })
  const [ann, bob] = [client(address(), 'ann'), client(address(), 'bob')]
  const watching = presence<any, any>(bob, 'room')
  watch(watching)
  await presence<any, any>(ann, 'room', { onError: () => undefined }).enter()
  await until(() => look(watching).length === 1, 'bob sees ann')
  out.add('ann')
  await ann.handover()
  await until(() => look(watching).length === 0, 'and does not any more')
  expect(await members('room')).toEqual([])
})

test('an earlier request does not show a user in a topic that this user may not see any more', async () => {
  const out = new Set<string>()
  const waiting: (() => void)[] = []
  const live = await server({
    authenticate: ({ token }) => ({ subject: token!.split(' ')[0]! }),
    authorize: ({ user }) => !out.has(user.subject!),
    presence: ({ user }) =>
      user.subject === 'bob' || new Promise((answer) => void waiting.push(() => answer({ show: 'ann' }))),
  })
  const ann = client(live.address(), 'ann')
  const entered = outcome(presence(ann, 'room').enter())
  await until(() => waiting.length === 1 && live.stats().topics === 1, 'the server asks whether ann may be seen')
  out.add('ann')
  await live.offerTokens(
    () => true,
    () => ({ token: 'ann again' }),
  )
  expect(await entered).toEqual(['forbidden', 'forbidden'])
  waiting[0]!()
  await presence(client(live.address(), 'bob'), 'room').enter()
  expect(await live.members('room')).toMatchObject([{ connections: [{}] }])
  expect(waiting).toHaveLength(1)
})

test('a handover shows nobody leaving, and a member that is reported as gone although it is present enters again', async () => {
  const log = memoryLog()
  const [one, two] = [await server({ log }), await server({ log })]
  let url = one.address()
  const moving = client(() => url, 'ann')
  const watching = presence<any, any>(client(two.address(), 'bob'), 'room')
  const shown = watch(watching)
  await presence<any, any>(moving, 'room').enter('here')
  await until(() => look(watching).length === 1, 'bob sees ann')
  for (let at = 0; at < 6; at++) {
    url = (at % 2 === 0 ? two : one).address()
    await moving.handover()
  }
  expect(look(watching)).toEqual(['ann:"here"'])
  expect(shown.filter((list) => list.length === 0)).toHaveLength(0)
  const entered = () => watching.members.getState()[0]?.connections[0]?.at ?? 0
  const before = entered()
  log.forget()
  expect(await one.members('room')).toEqual([])
  await until(() => entered() > before, 'ann has entered again')
  expect(look(watching)).toEqual(['ann:"here"'])
})
