import { expect, it } from 'vitest'
import { twitchEventSub } from '../../src/presets/twitch-event-sub.js'
import { openCodec } from '../kit/open-codec.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

// The messages are those of Twitch's reference for EventSub over WebSocket, shortened to the fields that it documents.
const metadata = (type: string, id: string) => ({
  message_id: id,
  message_type: type,
  message_timestamp: '2026-01-01T00:00:00.000Z',
})
const session = (status: string, url: string | null) => ({
  session: {
    id: 'AQoQILE98gtqShGmLD7AM6yJThAB',
    status,
    keepalive_timeout_seconds: 10,
    reconnect_url: url,
    connected_at: '2026-01-01T00:00:00.000Z',
  },
})
const notification = (id: string, name: string) => ({
  metadata: { ...metadata('notification', id), subscription_type: 'channel.follow', subscription_version: '1' },
  payload: { subscription: { id: 'f1c2', type: 'channel.follow', status: 'enabled' }, event: { user_name: name } },
})

it('dials the reconnect_url, is ready with its session_welcome, and loses and repeats nothing although delivery is at least once', async () => {
  const server = await scripted(
    () => undefined,
    (socket) =>
      socket.send(JSON.stringify({ metadata: metadata('session_welcome', 'w'), payload: session('connected', null) })),
  )
  const told: string[] = []
  const { socket, seen, asked } = speaking(server.url, twitchEventSub(), { handover: { overlapLimit: 1_000 } })
    .follow('channel.follow')
    .follow('revocation')
  socket.on('leg-ready', (leg) => told.push(leg.server.split('#')[0]!))
  socket.connect()
  await until(() => told.length === 1, 'the welcome')
  const [first] = server.legs
  first!.socket.send(JSON.stringify(notification('1', 'ada')))
  first!.socket.send(JSON.stringify({ metadata: metadata('session_keepalive', 'k'), payload: {} }))
  first!.socket.send(JSON.stringify(notification('1', 'ada')))
  first!.socket.send(
    JSON.stringify({
      metadata: metadata('session_reconnect', 'r'),
      payload: session('reconnecting', `${server.url}?challenge=x`),
    }),
  )
  await until(() => told.length === 2, 'the second welcome')
  first!.socket.send(JSON.stringify(notification('2', 'bob')))
  server.legs[1]!.socket.send(JSON.stringify(notification('3', 'eve')))
  server.legs[1]!.socket.send(
    JSON.stringify({
      metadata: { ...metadata('revocation', '4'), subscription_type: 'channel.follow' },
      payload: { subscription: { status: 'user_removed' } },
    }),
  )
  await until(() => seen.length === 4, 'all of them')
  expect(seen).toEqual([{ user_name: 'ada' }, { user_name: 'bob' }, { user_name: 'eve' }, { status: 'user_removed' }])
  expect(asked).toEqual([expect.objectContaining({ reason: 'session_reconnect', deadline: 30_000 })])
  expect(told).toEqual(['AQoQILE98gtqShGmLD7AM6yJThAB', 'AQoQILE98gtqShGmLD7AM6yJThAB'])
})

it('delivers every notification without a message_id, since nothing shows that two are the same', () => {
  const codec = openCodec(twitchEventSub())
  const { metadata: named, payload } = notification('1', 'ada')
  const { message_id: _, ...nameless } = named
  const text = JSON.stringify({ metadata: nameless, payload })
  for (let at = 0; at < 2; at++) {
    const told = codec.decode(text)
    expect(told).toMatchObject({ type: 'message', topic: 'channel.follow' })
    expect(told).not.toMatchObject({ identity: expect.anything() as unknown })
  }
})
