import { expect, it } from 'vitest'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import { graphqlWs } from '../../src/presets/graphql-ws.js'
import { slackSocketMode } from '../../src/presets/slack-socket-mode.js'
import { twitchEventSub } from '../../src/presets/twitch-event-sub.js'
import { rawProtocol } from '../../src/foreign/raw.js'
import { openCodec } from '../kit/open-codec.js'

const getToken = async () => 'T'
const message = () => null

it.each([twitchEventSub(), slackSocketMode(), rawProtocol({ name: 'mine', message })])(
  'refuses getToken with an error if the protocol has no place for a token: $name',
  (protocol) => {
    expect(() => createLiveSocket({ url: 'wss://h/', protocol, getToken })).toThrow(/no place for a token/)
    expect(() => createLiveSocket({ url: 'wss://h/', protocol })).not.toThrow()
  },
)

it.each([
  ['hello', { hello: () => null }],
  ['dial', { dial: (to: { url: string; subprotocols: readonly string[] }) => to }],
  ['auth', { auth: () => null }],
])('accepts getToken if there is a %s', (_name, options) => {
  expect(() =>
    createLiveSocket({ url: 'wss://h/', protocol: rawProtocol({ message, ...options }), getToken }),
  ).not.toThrow()
})

it('sends the current token on each leg, in addition to what the library on top sends', () => {
  const protocol = graphqlWs({ connectionParams: (token) => ({ Authorization: `Bearer ${token}` }) })
  const hello = (leg: number, token: string, topic = 'data') =>
    ({ type: 'hello', session: 's', leg, token, topics: new Map([[topic, null]]) }) as never
  const first = openCodec(protocol)
  expect(first.encode(hello(1, 'one'))).toEqual([])
  const init = first.encode({
    type: 'publish',
    id: '1',
    topic: 'data',
    data: '{"type":"connection_init","payload":{"tenant":"t"}}',
  })
  expect(JSON.parse(init as string)).toEqual({
    type: 'connection_init',
    payload: { tenant: 't', Authorization: 'Bearer one' },
  })
  expect(JSON.parse(openCodec(protocol).encode(hello(2, 'two')) as string)).toEqual({
    type: 'connection_init',
    payload: { tenant: 't', Authorization: 'Bearer two' },
  })
  expect(JSON.parse(openCodec(graphqlWs()).encode(hello(1, 'one', 'mine')) as string)).toEqual({
    type: 'connection_init',
    payload: { token: 'one' },
  })
})
