import type { StandardSchemaV1 } from '@standard-schema/spec'
import { createLiveSocket, livesocketV1, type LiveSocket, type Message, type ReadableStore } from 'livesocket'
import { describe, expect, expectTypeOf, it } from 'vitest'

interface Price {
  symbol: string
  price: number
}

function schema<Input, Output = Input>(): StandardSchemaV1<Input, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Output }) } }
}

const url = 'wss://live.test'

/** Looked at by the compiler alone: a live socket is inert until connect(). */
describe('the types of a live socket', () => {
  it('come from the schemas: handlers get the output, publish takes the input', () => {
    const socket = createLiveSocket({
      url,
      protocol: livesocketV1(),
      schemas: { prices: schema<Price>(), times: schema<string, Date>() },
    })
    socket.subscribe('times', (data, message) => {
      expectTypeOf(data).toEqualTypeOf<Date>()
      expectTypeOf(message.topic).toEqualTypeOf<'times'>()
    })
    expectTypeOf(socket.stream('times')).toEqualTypeOf<AsyncIterableIterator<Message<Date, 'times'>>>()
    expectTypeOf(
      socket.fold('times', (latest: Date | null, data) => (data > (latest ?? 0) ? data : latest), null),
    ).toEqualTypeOf<ReadableStore<Date | null>>()
    expectTypeOf(socket.publish<'times'>)
      .parameter(1)
      .toEqualTypeOf<string>()
    expectTypeOf(socket.publish<'prices'>)
      .parameter(1)
      .toEqualTypeOf<Price>()

    void (() => {
      // @ts-expect-error: a handler gets the output
      socket.subscribe('times', (data: string) => data)
      // @ts-expect-error: publish takes the input
      void socket.publish('times', new Date())
      // @ts-expect-error: a field is missing
      void socket.publish('prices', { symbol: 'A' })
      // @ts-expect-error: no such topic
      socket.subscribe('nothing', () => undefined)
      // @ts-expect-error: no such topic
      socket.stream('nothing')
      // @ts-expect-error: no such topic
      void socket.publish('nothing', 1)
      // @ts-expect-error: the reducer's state is a number
      socket.fold('prices', (sum: number, { price }) => `${sum}${price}`, 0)
      // @ts-expect-error: the snapshot's state is a number
      socket.fold('prices', (sum: number, { price }) => sum + price, 0, {
        load: () => Promise.resolve({ state: 'a', position: { epoch: 'a', offset: 0 } }),
      })
    })
  })

  it('may be named by hand, in an interface or a type', () => {
    interface Topics {
      prices: Price
    }
    const socket = createLiveSocket<Topics>({ url })
    expectTypeOf(socket).toEqualTypeOf<LiveSocket<Topics>>()
    socket.subscribe('prices', (data) => expectTypeOf(data).toEqualTypeOf<Price>())
    expectTypeOf(socket.publish<'prices'>)
      .parameter(1)
      .toEqualTypeOf<Price>()
    const checkedToo = createLiveSocket<Topics>({ url, schemas: { prices: schema<unknown, Price>() } })
    expectTypeOf(checkedToo).toEqualTypeOf<LiveSocket<Topics>>()

    void (() => {
      // @ts-expect-error: the schema makes another type of it
      createLiveSocket<Topics>({ url, schemas: { prices: schema<unknown, string>() } })
      // @ts-expect-error: there is no such topic
      createLiveSocket<Topics>({ url, schemas: { orders: schema<Price>() } })
      // @ts-expect-error: no such topic
      socket.subscribe('orders', () => undefined)
      // @ts-expect-error: the data is a price
      void socket.publish('prices', 5)
    })
  })

  it('are unknown for any topic if nothing declares them', () => {
    const socket = createLiveSocket({ url })
    expectTypeOf(socket).toEqualTypeOf<LiveSocket>()
    socket.subscribe('anything', (data) => expectTypeOf(data).toEqualTypeOf<unknown>())
    // A typed one can be handed to code that knows no topics.
    const typed: LiveSocket = createLiveSocket<{ prices: Price }>({ url })
    expect(typed.store.getState().status).toBe('idle')
  })

  it('report errors for invalid options', () => {
    void (() => {
      // @ts-expect-error: no url
      createLiveSocket({ schemas: { prices: schema<Price>() } })
      // @ts-expect-error: not a schema
      createLiveSocket({ url, schemas: { prices: (value: unknown) => value } })
      // @ts-expect-error: a number
      createLiveSocket({ url, connectTimeout: '5' })
      // @ts-expect-error: a number, with schemas too
      createLiveSocket({ url, connectTimeout: '5', schemas: { prices: schema<Price>() } })
      // @ts-expect-error: no such answer
      createLiveSocket({ url, onClose: () => 'maybe' })
    })
    expect(
      createLiveSocket({
        url,
        onClose: ({ code }) => (code === 4001 ? 'stop' : undefined),
        schemas: {},
      }).store.getState().status,
    ).toBe('idle')
  })
})
