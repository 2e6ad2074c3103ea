// @vitest-environment happy-dom
import { render, waitFor } from '@testing-library/react'
import { createLiveSocket, rawProtocol, type Gap } from 'livesocket'
import { LiveSocketProvider, useLiveLog, useLiveMessages, type TopicOptions } from 'livesocket/react'
import {
  Activity,
  startTransition,
  StrictMode,
  Suspense,
  use,
  useEffect,
  useLayoutEffect,
  useState,
  type ReactNode,
} from 'react'
import { renderToString } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { fakeWebSockets } from '../kit/fake-socket.js'
import { act } from '../kit/react-act.js'
import { servedByHand } from './served-by-hand.js'
import { createStage } from './stage.js'

type Options = TopicOptions<Record<string, unknown>>
type Reader = (props: { told: (data: readonly unknown[]) => void; options?: Options }) => ReactNode

/** Components that read a topic. Each shows everything that it has received so far. */
const READERS: Record<string, Reader> = {
  useLiveMessages({ told, options }) {
    const [all] = useState((): unknown[] => [])
    useLiveMessages(
      'chat',
      (data) => {
        all.push(data)
        told(all)
      },
      options,
    )
    return null
  },
  useLiveLog({ told, options }) {
    const log = useLiveLog('chat', { limit: 1_000, ...options })
    told(log.map(({ data }) => data))
    return null
  },
}

async function setUp(how?: Parameters<typeof createStage>[0]) {
  const stage = createStage(how)
  const socket = createLiveSocket(stage.options)
  socket.connect()
  await stage.advance(1_000)
  let heard: readonly unknown[] = []
  const gaps: Gap[] = []
  return {
    ...stage,
    socket,
    gaps,
    heard: () => heard,
    told: (all: readonly unknown[]) => void (heard = all),
    options: { onGap: (gap) => void gaps.push(gap) } as Options,
    wrap: (children: ReactNode) => <LiveSocketProvider socket={socket}>{children}</LiveSocketProvider>,
  }
}

/** Wraps a page that React shows later. */
function Later({ until, children }: { until: Promise<void>; children: ReactNode }) {
  return (
    <>
      {children}
      <Rest until={until} />
    </>
  )
}
function Rest({ until }: { until: Promise<void> }) {
  use(until)
  return null
}

describe.each(Object.entries(READERS))('%s of a topic that nothing else subscribes to', (_, Reader) => {
  it.each([false, true])(
    'begins at the first render inside a hidden Activity that is shown much later (StrictMode: %s)',
    async (strict) => {
      const { wrap, told, heard, options, gaps, publish, advance, sent } = await setUp()
      const page = (mode: 'visible' | 'hidden') => {
        const all = wrap(
          <Activity mode={mode}>
            <Reader told={told} options={options} />
          </Activity>,
        )
        return strict ? <StrictMode>{all}</StrictMode> : all
      }
      const { rerender } = render(page('hidden'))
      await publish('chat', 1, 2)
      await advance(60_000)
      await publish('chat', 3)
      expect(heard()).toEqual([])
      // Meanwhile the topic is not served to any component.
      expect([sent('subscribe').length, sent('unsubscribe').length]).toEqual([1, 1])
      rerender(page('visible'))
      await publish('chat', 4)
      await advance(100)
      expect(heard()).toEqual([1, 2, 3, 4])
      expect(gaps).toEqual([])
    },
  )

  it('begins at the render that is shown, in a transition that waits for the rest of its page', async () => {
    const { wrap, told, heard, options, publish, advance } = await setUp()
    let ready = () => {}
    const until = new Promise<void>((resolve) => void (ready = resolve))
    let go = () => {}
    const App = () => {
      const [there, setThere] = useState(false)
      go = () => setThere(true)
      return there ? (
        <Later until={until}>
          <Reader told={told} options={options} />
        </Later>
      ) : null
    }
    render(wrap(<Suspense>{<App />}</Suspense>))
    await act(async () => startTransition(go))
    await publish('chat', 'while it waits')
    await advance(5_000)
    await act(async () => ready())
    await publish('chat', 'after')
    await advance(100)
    // A suspended component is rendered anew when it continues: that is the first render of what is shown.
    expect(heard()).toEqual(['after'])
  })

  it('begins at the first render of a page whose other parts are slow: messages that arrive before its effect are delivered', async () => {
    const { socket, message, answer } = await servedByHand('chat', [])
    let heard: readonly unknown[] = []
    const Rest = () => {
      useLayoutEffect(() => {
        expect(answer(5, 5)).toEqual({})
        message(6, 'between')
      }, [])
      return null
    }
    const App = () => {
      const [there, setThere] = useState(false)
      useEffect(() => startTransition(() => setThere(true)), [])
      return (
        there && (
          <LiveSocketProvider socket={socket}>
            <Reader told={(all) => void (heard = all)} />
            <Rest />
          </LiveSocketProvider>
        )
      )
    }
    render(<App />)
    expect(answer(6, 5)).toEqual({ epoch: 'e', offset: 5 })
    act(() => {
      message(6, 'between')
      message(7, 'after')
    })
    await waitFor(() => expect(heard).toEqual(['between', 'after']))
    socket.close()
  })

  it('reports a gap if the log has dropped what came between its first render and its effect', async () => {
    const { wrap, told, heard, options, gaps, publish, advance, simulation } = await setUp()
    const page = (mode: 'visible' | 'hidden') =>
      wrap(
        <Activity mode={mode}>
          <Reader told={told} options={options} />
        </Activity>,
      )
    const { rerender } = render(page('hidden'))
    await publish('chat', 1, 2, 3, 4)
    simulation.log.trim('chat', 1)
    rerender(page('visible'))
    await advance(1_000)
    expect(heard()).toEqual([4])
    expect(gaps).toHaveLength(1)
  })

  it('begins on a live socket whose server never confirms subscriptions, without an error', async () => {
    const clock = createSimulatedClock()
    const { WebSocket, sockets } = fakeWebSockets()
    const protocol = rawProtocol({ message: (data) => ({ topic: 'chat', data }) })
    const socket = createLiveSocket({ url: 'wss://a.test/', protocol, environment: { WebSocket, clock } })
    const errors: unknown[] = []
    socket.on('error', ({ error }) => void errors.push(error))
    socket.connect()
    await clock.flush()
    sockets[0]!.open()
    await clock.flush()
    let heard: readonly unknown[] = []
    render(
      <LiveSocketProvider socket={socket}>
        <Reader told={(all) => void (heard = all)} />
      </LiveSocketProvider>,
    )
    sockets[0]!.message('hello')
    await act(() => clock.advance(100))
    expect([heard, errors]).toEqual([['hello'], []])
    socket.close()
  })

  it('a render before the socket is connected begins where the socket does', async () => {
    const stage = createStage()
    const socket = createLiveSocket(stage.options)
    let heard: readonly unknown[] = []
    const page = (mode: 'visible' | 'hidden') => (
      <LiveSocketProvider socket={socket}>
        <Activity mode={mode}>
          <Reader told={(all) => void (heard = all)} />
        </Activity>
      </LiveSocketProvider>
    )
    const { rerender } = render(page('hidden'))
    socket.connect()
    await stage.advance(1_000)
    await stage.publish('chat', 1, 2)
    rerender(page('visible'))
    await stage.publish('chat', 3)
    await stage.advance(100)
    expect(heard).toEqual([1, 2, 3])
  })

  it('leaves nothing subscribed for renders that React discards, and asks the server once for all of them', async () => {
    const { wrap, told, publish, advance, sent, socket } = await setUp()
    const never = new Promise<void>(() => {})
    const { rerender, unmount } = render(wrap(<Suspense>{null}</Suspense>))
    for (let times = 0; times < 20; times++) {
      await act(async () =>
        startTransition(() =>
          rerender(
            wrap(
              <Suspense>
                <Later key={times} until={never}>
                  <Reader told={told} />
                </Later>
              </Suspense>,
            ),
          ),
        ),
      )
    }
    await publish('chat', 1)
    await advance(1_000)
    expect([sent('subscribe').length, sent('unsubscribe').length]).toEqual([1, 1])
    expect(socket.position('chat')).toBeNull()
    unmount()
  })

  it('reports a refusal to the component that is shown, and never to one that was discarded', async () => {
    const { wrap, told, advance } = await setUp({ authorize: () => false })
    const errors: string[] = []
    const page = (mode: 'visible' | 'hidden') =>
      wrap(
        <Activity mode={mode}>
          <Reader told={told} options={{ onError: ({ code }) => void errors.push(code) }} />
        </Activity>,
      )
    const { rerender } = render(page('hidden'))
    await advance(1_000)
    expect(errors).toEqual([])
    rerender(page('visible'))
    await advance(1_000)
    expect(errors).toEqual(['forbidden'])
  })

  it('sends nothing during a render on a server', async () => {
    const { wrap, told, advance, sent } = await setUp()
    renderToString(wrap(<Reader told={told} />))
    await advance(1_000)
    expect(sent('subscribe')).toEqual([])
  })
})
