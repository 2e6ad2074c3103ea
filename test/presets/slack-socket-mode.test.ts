import { expect, it } from 'vitest'
import { slackSocketMode } from '../../src/presets/slack-socket-mode.js'
import { until } from '../server/kit.js'
import { scripted, speaking } from './stage.js'

// The messages are those of Slack's documentation of Socket Mode.
const hello = {
  type: 'hello',
  connection_info: { app_id: 'A1' },
  num_connections: 1,
  debug_info: { host: 'applink-7fc4fdbb64-4x5xq', approximate_connection_time: 18060 },
}
const envelope = (id: string, event: string) => ({
  payload: { event_id: event, event: { type: 'message', text: id } },
  envelope_id: id,
  type: 'events_api',
  accepts_response_payload: false,
})

it('acknowledges each envelope on the leg that brought it, and hands over to a fresh URL when Slack refreshes', async () => {
  const server = await scripted(
    () => undefined,
    (socket, leg) => socket.send(JSON.stringify({ ...hello, debug_info: { host: `host-${leg}` } })),
  )
  let opens = 0
  const { socket, seen, asked } = speaking(() => `${server.url}?ticket=${++opens}`, slackSocketMode(), {
    handover: { overlapLimit: 1_000 },
  }).follow('events_api')
  socket.connect()
  await until(() => socket.store.getState().leg?.server === 'host-0', 'the hello')
  const say = (leg: number, data: object) => server.legs[leg]!.socket.send(JSON.stringify(data))
  say(0, envelope('e1', 'E1'))
  say(0, { type: 'disconnect', reason: 'refresh_requested', debug_info: { host: 'host-0' } })
  await until(() => socket.store.getState().leg?.server === 'host-1', 'the second hello')
  say(0, envelope('e2', 'E2'))
  await until(() => seen.length === 2, 'what the old leg still brings')
  say(1, envelope('e3', 'E2'))
  say(1, envelope('e4', 'E4'))
  await until(() => seen.length === 3, 'what the new one brings')
  expect(seen.map((payload) => (payload as { event_id: string }).event_id)).toEqual(['E1', 'E2', 'E4'])
  await until(() => server.legs[1]!.received.length === 2, 'the acknowledgements')
  expect(server.legs.map(({ received }) => received)).toEqual([
    ['{"envelope_id":"e1"}', '{"envelope_id":"e2"}'],
    ['{"envelope_id":"e3"}', '{"envelope_id":"e4"}'],
  ])
  expect([opens, asked[0]!.reason]).toEqual([2, 'refresh_requested'])
})

it('does not hand over on a disconnect that is not a refresh', async () => {
  const server = await scripted(
    () => undefined,
    (socket) => socket.send(JSON.stringify(hello)),
  )
  const { socket, asked, seen } = speaking(server.url, slackSocketMode()).follow('events_api')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  server.tell({ type: 'disconnect', reason: 'link_disabled' })
  server.tell(envelope('e1', 'E1'))
  await until(() => seen.length === 1, 'the next message')
  expect(asked).toEqual([])
})
