import type { LiveSocket } from 'livesocket'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '../../src/devtools/event-types.js'
import { AT_REST, HAPPEN, life, restful, world } from '../kit/busy-life.js'

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled.splice(0)).toEqual([])
})

describe('listeners and handlers', () => {
  const CALLS = [
    { call: 'close()', act: (socket: LiveSocket) => socket.close() },
    { call: 'signOut()', act: (socket: LiveSocket) => socket.signOut() },
  ]
  it.each(
    CALLS.flatMap(({ call, act }) =>
      [...HAPPEN, 'store' as const, 'handler' as const].map((where) => ({ where, call, act })),
    ),
  )(
    'may call $call within $where: it takes effect at once, and nothing is left',
    async ({ where, act }) => {
      const { simulation, socket } = world()
      let over = false
      const late: string[] = []
      for (const type of EVENT_TYPES) socket.on(type, () => over && void late.push(type))
      const end = () => {
        if (over) return
        act(socket)
        expect(socket.store.getState().status).toBe('closed')
        over = true
      }
      if (where === 'store') socket.store.subscribe(({ status }) => status === 'live' && end())
      else if (where === 'handler') socket.subscribe('a', end)
      else socket.on(where, end)
      const observation = await life(simulation, socket)
      expect(over).toBe(true)
      const before = observation.messages.length
      await simulation.advance(60_000)
      expect(restful({ simulation })).toEqual(AT_REST)
      expect(late).toEqual([])
      expect(observation.messages.length).toBe(before)
      expect(observation.problems({ complete: false })).toEqual([])
    },
    60_000,
  )

  it.each([...HAPPEN, 'store' as const, 'handler' as const])(
    'may close, connect again, publish, subscribe and unsubscribe within %s, and each call takes effect',
    async (where) => {
      const { simulation, socket } = world()
      const settled: string[] = []
      let calls = 0
      const publish = (data: string) =>
        void socket.publish('b', data).then(
          () => void settled.push('applied'),
          ({ code }: { code: string }) => void settled.push(code),
        )
      const stir = () => {
        if (calls++ >= 3) return
        socket.close()
        publish('closed')
        socket.connect()
        publish('connected')
        socket.subscribe('b', () => undefined)()
        socket.subscribe('c', () => undefined)
      }
      if (where === 'store') socket.store.subscribe(({ status }) => status === 'live' && stir())
      else if (where === 'handler') socket.subscribe('a', stir)
      else socket.on(where, stir)
      const observation = await life(simulation, socket)
      expect(calls).toBeGreaterThan(0)
      expect(socket.store.getState().status).toBe('live')
      expect(observation.problems()).toEqual([])
      expect(settled).toHaveLength(2 * Math.min(calls, 3))
      expect(settled.at(-1)).toBe('applied')
      socket.close()
      await simulation.advance(60_000)
      expect(restful({ simulation })).toEqual(AT_REST)
    },
    60_000,
  )
})
