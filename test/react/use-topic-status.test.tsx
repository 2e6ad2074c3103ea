// @vitest-environment happy-dom
import { createLiveSocket, LiveSocketError } from 'livesocket'
import {
  createLiveHooks,
  LiveSocketProvider,
  useLiveLog,
  useLiveMessages,
  useLiveReducer,
  useLiveValue,
  useSignal,
  useTopicStatus,
  type TopicOptions,
} from 'livesocket/react'
import { StrictMode } from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

type Options = TopicOptions<Record<string, unknown>>

/** A world in which nobody may read `secret`. */
const guarded = () => createStage({ authorize: (topic) => topic !== 'secret' })

const HOOKS: readonly [name: string, use: (options: Options) => unknown][] = [
  ['useLiveMessages', (options) => useLiveMessages('secret', () => undefined, options)],
  ['useLiveReducer', (options) => useLiveReducer('secret', (sum: number) => sum + 1, 0, options)],
  ['useLiveLog', (options) => useLiveLog('secret', options)],
  ['useSignal', (options) => useSignal('secret', () => undefined, options)],
  ['useLiveValue', (options) => useLiveValue('secret', options)],
]

describe('a topic that the server refuses', () => {
  it.each(HOOKS)(
    'is reported once to the latest onError of %s, instead of an empty list forever',
    async (_name, use) => {
      const stage = guarded()
      const socket = createLiveSocket(stage.options)
      const heard: string[] = []
      const Reader = ({ name }: { name: string }) => {
        use({ onError: ({ code, topic }) => void heard.push(`${name}: ${code} ${topic}`) })
        return null
      }
      const page = (name: string) => (
        <LiveSocketProvider socket={socket}>
          <Reader name={name} />
        </LiveSocketProvider>
      )
      const { rerender, unmount } = stage.renderStrictly(page('first'))
      rerender(page('latest'))
      act(() => socket.connect())
      await stage.advance(1_000)
      expect(heard).toEqual(['latest: forbidden secret'])
      unmount()
      await stage.advance(5_000)
      socket.close()
    },
  )

  it.each(HOOKS)('is reported once to an onError of %s that comes in a later render', async (_name, use) => {
    const stage = guarded()
    const socket = createLiveSocket(stage.options)
    socket.on('error', () => undefined)
    const heard: string[] = []
    const Reader = ({ hears }: { hears: boolean }) => {
      use(hears ? { onError: ({ code, topic }) => void heard.push(`${code} ${topic}`) } : {})
      return null
    }
    const page = (hears: boolean) => (
      <LiveSocketProvider socket={socket}>
        <Reader hears={hears} />
      </LiveSocketProvider>
    )
    const { rerender, unmount } = stage.renderStrictly(page(false))
    act(() => socket.connect())
    await stage.advance(1_000)
    rerender(page(true))
    await stage.advance(1_000)
    expect(heard).toEqual(['forbidden secret'])
    unmount()
    await stage.advance(5_000)
    socket.close()
  })

  it('is the status in useTopicStatus: pending, then the refusal or live, with one render for each', async () => {
    const stage = guarded()
    const socket = createLiveSocket(stage.options)
    const seen: Record<string, unknown[]> = { news: [], secret: [], none: [] }
    const Shown = ({ topic }: { topic: string | null }) => {
      const status = useTopicStatus(topic)
      seen[topic ?? 'none']!.push(status instanceof LiveSocketError ? status.code : status)
      return null
    }
    stage.render(
      <LiveSocketProvider socket={socket}>
        <Shown topic="news" />
        <Shown topic="secret" />
        <Shown topic={null} />
      </LiveSocketProvider>,
    )
    act(() => socket.connect())
    await stage.advance(1_000)
    await stage.publish('news', 1, 2, 3)
    stage.simulation.deploy()
    await stage.advance(30_000)
    expect(socket.stats().handovers).toBe(1)
    expect(seen).toEqual({ news: ['pending', 'live'], secret: ['pending', 'forbidden'], none: ['pending'] })
    socket.close()
  })

  it('shares one subscription with another hook, also in StrictMode, and switches when its topic changes', async () => {
    const stage = guarded()
    const socket = createLiveSocket(stage.options)
    const Both = ({ topic }: { topic: string }) => {
      const value = useLiveValue(topic, { socket })
      const status = useTopicStatus(topic, { socket })
      return <p>{`${topic}: ${String(status instanceof LiveSocketError ? status.code : status)} ${String(value)}`}</p>
    }
    const page = (topic: string) => (
      <StrictMode>
        <Both topic={topic} />
      </StrictMode>
    )
    act(() => socket.connect())
    await stage.advance(1_000)
    const { container, rerender } = stage.render(page('news'))
    await stage.publish('news', 7)
    expect(container.textContent).toBe('news: live 7')
    expect(stage.sent('subscribe')).toHaveLength(1)
    rerender(page('secret'))
    await stage.advance(100)
    expect(container.textContent).toBe('secret: forbidden undefined')
    socket.close()
  })

  it.each([true, false])(
    'is reported once to an onError in options that every hook of the topic shares (enabled: %s)',
    async (enabled) => {
      const stage = guarded()
      const socket = createLiveSocket(stage.options)
      const heard: string[] = []
      const options = { socket, enabled, onError: ({ code }: LiveSocketError) => void heard.push(code) }
      const Shown = ({ topic }: { topic: string }) => {
        useLiveValue(topic, options)
        const status = useTopicStatus(topic, options)
        return <p>{String(status instanceof LiveSocketError ? status.code : status)}</p>
      }
      const { container, rerender } = stage.render(<Shown topic="secret" />)
      act(() => socket.connect())
      await stage.advance(1_000)
      expect(container.textContent).toBe('forbidden')
      expect(heard).toEqual(enabled ? ['forbidden'] : [])
      rerender(<Shown topic="news" />)
      await stage.advance(1_000)
      expect(container.textContent).toBe('live')
      socket.close()
    },
  )

  it('is pending in a render on a server, where nothing is subscribed', () => {
    const stage = guarded()
    const hooks = createLiveHooks<{ news: number }>()
    const socket = createLiveSocket<{ news: number }>({
      url: stage.options.url,
      environment: stage.options.environment!,
    })
    const Shown = () => <p>{String(hooks.useTopicStatus('news', { socket }))}</p>
    expect(renderToString(<Shown />)).toBe('<p>pending</p>')
    expect(stage.simulation.dials).toEqual([])
  })
})
