import { describe, expect, it } from 'vitest'
import { centrifuge } from '../../src/presets/centrifuge.js'
import { graphqlWs } from '../../src/presets/graphql-ws.js'
import { mqtt } from '../../src/presets/mqtt.js'
import { nats } from '../../src/presets/nats.js'
import { phoenix } from '../../src/presets/phoenix.js'
import { reconnectNotice } from '../../src/presets/reconnect-notice.js'
import { signalR } from '../../src/presets/signal-r.js'
import { socketIo } from '../../src/presets/socket-io.js'
import { trpc } from '../../src/presets/trpc.js'
import { rawProtocol } from '../../src/foreign/raw.js'
import { until } from '../server/kit.js'
import { socketIoServer } from './socket-io-servers.js'
import { speaking } from './stage.js'

const buffer = new Uint8Array([1, 2, 3, 4]).buffer
const within = (bytes: unknown) => ({ event: 'said', payload: { of: [{ bytes }] } })

describe('bytes in published data', () => {
  it.each([
    ['an ArrayBuffer', buffer.slice(1, 3)],
    ['a part of a buffer', new Uint8Array(buffer).subarray(1, 3)],
    ['a view', new DataView(buffer, 1, 2)],
    ['a Buffer of Node', Buffer.from([2, 3])],
    ['bytes that an object is in JSON', { toJSON: () => new Uint8Array([2, 3]) }],
  ])('reach a Socket.IO server unchanged, at any depth: %s', async (_, bytes) => {
    const { url } = await socketIoServer({}, (socket) => {
      socket.on('both', (a: unknown, b: unknown, answer: (said: unknown) => void) => answer([a, b]))
    })
    const { socket } = speaking(url, socketIo())
    socket.connect()
    await until(() => socket.store.getState().status === 'live', 'live')
    const { data } = await socket.publish('both', [{ name: 'it', on: new Date(0), deep: [bytes] }, bytes])
    const two = new Uint8Array([2, 3]).buffer
    expect(data).toEqual([{ name: 'it', on: '1970-01-01T00:00:00.000Z', deep: [two] }, two])
    const [{ deep }, own] = data as [{ deep: [ArrayBuffer] }, ArrayBuffer]
    expect([...new Uint8Array(deep[0]), ...new Uint8Array(own)]).toEqual([2, 3, 2, 3])
  })

  it('count towards the byte limit of the outbox', async () => {
    const { socket } = speaking('ws://127.0.0.1:1', socketIo(), { outbox: { maxBytes: 2_000 } })
    await expect(socket.publish('large', { bytes: new Uint8Array(2_000) })).rejects.toMatchObject({
      code: 'outbox-full',
    })
    await expect(socket.publish('large', { bytes: new Uint8Array(1), text: 'x'.repeat(2_000) })).rejects.toMatchObject({
      code: 'outbox-full',
    })
  })

  it.each([
    ['centrifuge', centrifuge()],
    ['graphqlWs', graphqlWs()],
    ['phoenix', phoenix()],
    ['signalR', signalR()],
    ['trpc', trpc()],
  ])('are refused for a JSON protocol, where they would become an empty object: %s', async (_, protocol) => {
    const { socket } = speaking('ws://127.0.0.1:1', protocol)
    for (const data of [buffer, within(buffer), within(Buffer.from([1])), [new Uint8Array(1)]])
      await expect(socket.publish('room:1', data)).rejects.toMatchObject({ code: 'invalid' })
    expect(socket.store.getState().outbox.messages).toBe(0)
  })

  it.each([
    ['mqtt', mqtt()],
    ['nats', nats()],
    ['reconnectNotice', reconnectNotice()],
    ['rawProtocol', rawProtocol({ message: () => null })],
  ])('are accepted only as the whole data by a protocol that cannot nest them: %s', async (_, protocol) => {
    const { socket } = speaking('ws://127.0.0.1:1', protocol)
    for (const data of [within(buffer), within(Buffer.from([1])), [new Uint8Array(1)]])
      await expect(socket.publish('room', data)).rejects.toMatchObject({ code: 'invalid' })
    const waiting = socket.publish('room', buffer)
    socket.close()
    await expect(waiting).rejects.toMatchObject({ code: 'closed' })
  })
})
