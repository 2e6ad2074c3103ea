// @vitest-environment happy-dom
import { renderHook } from '@testing-library/react'
import { createLiveSocket, type LiveSocket, type Message } from 'livesocket'
import {
  createLiveHooks,
  LiveSocketProvider,
  useLiveLog,
  useLiveMessages,
  useLiveReducer,
  useLiveSocket,
  useLiveStatus,
  useLiveValue,
  usePublish,
  type InputsOf,
  type TopicsOf,
} from 'livesocket/react'
import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

interface Price {
  symbol: string
  price: number
}
interface Topics {
  prices: Price
  chat: { text: string }
}

const url = 'wss://live.test'
const socket = createLiveSocket<Topics>({ url })

/** The code in here is only for the type checker. */
function unchecked(_never: () => unknown) {}

describe('the types of the hooks', () => {
  it('know the topics of their socket', () => {
    unchecked(() => {
      useLiveMessages(
        'prices',
        (data, { offset, topic }) =>
          void expectTypeOf([data, offset, topic] as const).toEqualTypeOf<readonly [Price, number, 'prices']>(),
        { socket },
      )
      expectTypeOf(useLiveValue('chat', { socket })).toEqualTypeOf<{ text: string } | undefined>()
      expectTypeOf(useLiveLog('prices', { socket, limit: 5 })).toEqualTypeOf<readonly Message<Price, 'prices'>[]>()
      expectTypeOf(
        useLiveReducer('prices', (sum: number, { price }) => sum + price, 0, { socket }),
      ).toEqualTypeOf<number>()
      void usePublish('chat', { socket }).publish({ text: 'hello' })
      expectTypeOf(useLiveStatus((state) => state.leg?.number, Object.is, socket)).toEqualTypeOf<number | undefined>()

      // @ts-expect-error: a topic that this socket does not have
      useLiveMessages('news', () => {}, { socket })
      // @ts-expect-error: data that this topic does not bear
      useLiveMessages('prices', (data: { text: string }) => void data, { socket })
      // @ts-expect-error: a topic that this socket does not have
      useLiveValue('news', { socket })
      // @ts-expect-error: data that this topic does not take
      void usePublish('chat', { socket }).publish({ text: 1 })
      // @ts-expect-error: a reducer that gives another state than it takes
      useLiveReducer('prices', (sum: number, { symbol }) => symbol, 0, { socket })
      const load = async () => ({ state: 'none', position: { epoch: 'e', offset: 1 } })
      // @ts-expect-error: a snapshot of another state
      useLiveReducer('prices', (sum: number) => sum, 0, { socket, load })
      // @ts-expect-error: an option that there is not
      useLiveValue('chat', { socket, limit: 5 })
    })
  })

  it('are bound to one kind of socket by createLiveHooks', () => {
    const live = createLiveHooks<Topics>()
    unchecked(() => {
      expectTypeOf(live.useLiveSocket()).toEqualTypeOf<LiveSocket<Topics>>()
      expectTypeOf(live.useLiveValue('prices')).toEqualTypeOf<Price | undefined>()
      expectTypeOf(live.useLiveLog('chat')).toEqualTypeOf<readonly Message<{ text: string }, 'chat'>[]>()
      expectTypeOf(live.useLiveReducer('chat', (all: string[], { text }) => [...all, text], [])).toEqualTypeOf<
        string[]
      >()
      live.useLiveMessages('chat', ({ text }) => void expectTypeOf(text).toEqualTypeOf<string>())
      live.useLiveMessages(null, () => {})
      void live.usePublish('prices').publish({ symbol: 'a', price: 1 })

      // @ts-expect-error: a topic that there is not
      live.useLiveValue('news')
      // @ts-expect-error: data that the topic does not take
      void live.usePublish('prices').publish({ symbol: 'a' })
      const other = createLiveSocket<{ news: string }>({ url })
      // @ts-expect-error: a socket of other topics
      ;<live.LiveSocketProvider socket={other} />
      ;<live.LiveSocketProvider socket={socket} />
    })
    const { result } = renderHook(() => live.useLiveSocket(), {
      wrapper: ({ children }) => <live.LiveSocketProvider socket={socket}>{children}</live.LiveSocketProvider>,
    })
    expectTypeOf(result.current).toEqualTypeOf<LiveSocket<Topics>>()
  })

  it('come from schemas of zod and valibot, separately for publishing and receiving', () => {
    const schemas = {
      prices: z.object({ symbol: z.string(), at: z.string().transform((text) => new Date(text)) }),
      chat: v.object({
        text: v.pipe(
          v.string(),
          v.transform((text) => text.length),
        ),
      }),
    }
    const checked = createLiveSocket({ url, schemas })
    unchecked(() => {
      const shared = useLiveSocket({ url, schemas })
      expectTypeOf(shared).toEqualTypeOf(checked)
      expectTypeOf(useLiveValue('prices', { socket: shared })).toEqualTypeOf<{ symbol: string; at: Date } | undefined>()
      expectTypeOf(useLiveValue('chat', { socket: checked })).toEqualTypeOf<{ text: number } | undefined>()
      void usePublish('prices', { socket: checked }).publish({ symbol: 'a', at: '2030-01-01' })
      // @ts-expect-error: what is received is not what is published
      void usePublish('prices', { socket: checked }).publish({ symbol: 'a', at: new Date() })
      const live = createLiveHooks<TopicsOf<typeof checked>, InputsOf<typeof checked>>()
      expectTypeOf(live.useLiveValue('prices')).toEqualTypeOf<{ symbol: string; at: Date } | undefined>()
      void live.usePublish('chat').publish({ text: 'hello' })
      // @ts-expect-error: what is received is not what is published
      void live.usePublish('chat').publish({ text: 5 })
    })
  })

  it('let a provider have either a socket or options', () => {
    unchecked(() => {
      ;<LiveSocketProvider socket={socket} />
      ;<LiveSocketProvider options={{ url }} />
      // @ts-expect-error: both
      ;<LiveSocketProvider socket={socket} options={{ url }} />
      // @ts-expect-error: neither
      ;<LiveSocketProvider />
      // @ts-expect-error: options without a URL
      ;<LiveSocketProvider options={{}} />
      const equal = (a: string, b: string) => a === b
      // @ts-expect-error: an equality of something else
      useLiveStatus((state) => state.everLive, equal)
      expectTypeOf(useLiveStatus()).toEqualTypeOf<'idle' | 'connecting' | 'live' | 'reconnecting' | 'closed'>()
    })
  })

  it('accept any topic with unknown data if nothing is registered', () => {
    unchecked(() => {
      expectTypeOf(useLiveValue('anything')).toEqualTypeOf<unknown>()
      useLiveMessages('anything', (data) => void expectTypeOf(data).toEqualTypeOf<unknown>())
      void usePublish('anything').publish({ whatever: 1 })
    })
  })
})
