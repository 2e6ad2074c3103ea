import { createLiveSocket, LiveSocketError, type LiveSocketEvents } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { expect, it } from 'vitest'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'

const live = () => createLiveSocket(createSimulation())

const refusal = (listen: () => unknown) => {
  try {
    listen()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(LiveSocketError)
    return thrown as LiveSocketError
  }
  throw new Error('it was taken')
}

it.each(['disconnected', 'Gap', '', 'constructor', 'publish', undefined, null, 5])(
  'on() refuses an event that does not exist, and names those that do: %o',
  (type) => {
    const { code, message } = refusal(() => live().on(type as keyof LiveSocketEvents, () => {}))
    expect(code).toBe('invalid')
    expect(message).toBe(`type must be one of ${EVENT_TYPES.join(', ')}; it was ${JSON.stringify(type)}.`)
  },
)

it('on() takes every event that exists, and only a function as its listener', () => {
  const socket = live()
  for (const type of EVENT_TYPES) {
    socket.on(type, () => {})()
    for (const listener of [undefined, null, {}, 'function'])
      expect(refusal(() => socket.on(type, listener as never))).toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('listener must be a function') as string,
      })
  }
})
