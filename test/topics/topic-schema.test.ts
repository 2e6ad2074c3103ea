import type { StandardSchemaV1 } from '@standard-schema/spec'
import { createLiveSocket, type LiveSocketEvents } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { describe, expect, it, vi } from 'vitest'
import { checkTopicData } from '../../src/topics/topic-schema.js'

type Validate = (value: unknown) => unknown

/** A schema of any library, as far as LiveSocket sees it. */
function schema(validate: Validate): StandardSchemaV1<string, number> {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } }
}

/** Text on the wire, a number for handlers. */
const numeric = schema((value) =>
  typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
    ? { value: Number(value) }
    : { issues: [{ message: 'must be a number in text', path: ['amount'] }] },
)

async function world(validate?: Validate) {
  // No `vi.fn()`: a mock would handle the promises that it returns.
  let checks = 0
  const check = (value: unknown) => (checks++, validate ? validate(value) : numeric['~standard'].validate(value))
  const simulation = createSimulation()
  const socket = createLiveSocket({
    url: simulation.url,
    environment: simulation.environment,
    schemas: { prices: schema(check) },
  })
  const invalid: LiveSocketEvents['invalid'][] = []
  socket.on('invalid', (event) => void invalid.push(event))
  socket.connect()
  await simulation.advance(500)
  return { simulation, socket, invalid, checks: () => checks }
}

const BROKEN: { how: string; validate: Validate; says: RegExp }[] = [
  {
    how: 'has issues',
    validate: () => ({
      issues: [{ message: 'too small', path: ['a', { key: 1 }, Symbol('s')] }, { message: 'and red' }],
    }),
    says: /^a\.1\.Symbol\(s\): too small; and red$/,
  },
  {
    how: 'has no end of issues',
    validate: () => ({ issues: Array.from({ length: 1_000 }, () => ({ message: 'x'.repeat(1_000) })) }),
    says: /^(x{200}…; ){5}and 995 more$/,
  },
  { how: 'is invalid without an issue', validate: () => ({ issues: [] }), says: /named no issue/ },
  { how: 'is asynchronous', validate: async () => ({ value: 1 }), says: /asynchronous/ },
  { how: 'is asynchronous and rejects', validate: () => Promise.reject(new Error('no')), says: /asynchronous/ },
  {
    how: 'throws',
    validate: () => {
      throw new TypeError('the secret is 42')
    },
    says: /^the schema threw a TypeError$/,
  },
  {
    how: 'throws what is no error',
    validate: () => {
      throw 'the secret is 42'
    },
    says: /^the schema threw something$/,
  },
  { how: 'gives no result', validate: () => undefined, says: /no result/ },
  {
    how: 'gives a result whose fields throw',
    validate: () => ({
      get issues() {
        throw new RangeError('no')
      },
    }),
    says: /RangeError/,
  },
  { how: 'gives issues that are none', validate: () => ({ issues: [null] }), says: /threw a TypeError/ },
]

describe('schemas', () => {
  it('give handlers, streams and folds the output of the schema', async () => {
    const { simulation, socket } = await world()
    const handler = vi.fn()
    socket.subscribe('prices', handler)
    const stream = socket.stream('prices')
    const fold = socket.fold('prices', (sum: number, data) => sum + data, 0)
    fold.subscribe(() => undefined)
    await simulation.advance(100)
    simulation.publish('prices', '12')
    await simulation.advance(100)
    expect(handler).toHaveBeenCalledWith(12, expect.objectContaining({ topic: 'prices', offset: 1 }))
    expect((await stream.next()).value.data).toBe(12)
    expect(fold.getState()).toBe(12)
  })

  it('are run once a message, however many handlers there are, and not on other topics', async () => {
    const { simulation, socket, checks } = await world()
    for (let n = 0; n < 5; n++) socket.subscribe('prices', () => undefined)
    const other = vi.fn()
    socket.subscribe('other' as 'prices', other)
    await simulation.advance(100)
    for (const data of ['1', '2']) simulation.publish('prices', data)
    simulation.publish('other', { any: 'thing' })
    await simulation.advance(100)
    expect(checks()).toBe(2)
    expect(other).toHaveBeenCalledWith({ any: 'thing' }, expect.anything())
  })

  it.each(BROKEN)(
    'turn a message into an `invalid` event, and deliver the next ones, if the schema $how',
    async ({ validate, says }) => {
      const { simulation, socket, invalid } = await world((value) =>
        value === 'bad' ? validate(value) : numeric['~standard'].validate(value),
      )
      const handler = vi.fn()
      socket.subscribe('prices', handler)
      await simulation.advance(100)
      for (const data of ['1', 'bad', '3']) simulation.publish('prices', data)
      await simulation.advance(100)
      expect(handler.mock.calls.map(([data]) => data as number)).toEqual([1, 3])
      expect(invalid).toEqual([{ topic: 'prices', reason: expect.stringMatching(says) as string }])
      expect(JSON.stringify(invalid)).not.toMatch(/bad|secret|42/)
      expect(socket.stats()).toMatchObject({ received: 3, delivered: 2, gaps: 0 })
      // The position has advanced, so the bad message does not come again.
      simulation.crash()
      simulation.restart()
      await simulation.advance(60_000)
      simulation.publish('prices', '4')
      await simulation.advance(100)
      expect(handler.mock.calls.map(([data]) => data as number)).toEqual([1, 3, 4])
      expect(invalid).toHaveLength(1)
    },
  )

  it.each(BROKEN)('refuse a publish as `invalid`, and send nothing, if the schema $how', async ({ validate, says }) => {
    const { simulation, socket } = await world(validate)
    const sent = simulation.wire.length
    const error: unknown = await socket.publish('prices', 'bad').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid', topic: 'prices' })
    const { message } = error as Error
    expect(message).toMatch(new RegExp(says.source.replace(/^\^|\$$/g, '')))
    expect(message).not.toMatch(/bad|secret|42/)
    await simulation.advance(100)
    expect(simulation.wire.slice(sent).filter(({ text }) => text.includes('publish'))).toEqual([])
  })

  it('send a publish as it is given, so that its receivers can run the schema on it', async () => {
    const { simulation, socket } = await world()
    const published = socket.publish('prices', '7')
    await simulation.advance(100)
    await published
    expect(simulation.published.map(({ data }) => data)).toEqual(['7'])
  })

  it('may close the live socket: the current message is still delivered, and no timer is left', async () => {
    const { simulation, socket } = await world((value) => {
      socket.close()
      return { value }
    })
    const handler = vi.fn()
    socket.subscribe('prices', handler)
    await simulation.advance(100)
    simulation.publish('prices', '1')
    await simulation.advance(3_000)
    expect(handler).toHaveBeenCalledTimes(1)
    expect(socket.store.getState().status).toBe('closed')
    expect(simulation.clock.pending).toBe(0)
  })

  it('may be functions, as some libraries have them', () => {
    const callable = Object.assign(() => undefined, numeric)
    expect(checkTopicData(new Map([['a', callable]]), 'a', '5')).toEqual({ value: 5 })
    expect(() => createLiveSocket({ url: 'wss://x.test', schemas: { a: callable } })).not.toThrow()
  })
})
