import { createLiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveReducer, useLiveSocket, useLiveStatus, useLiveValue } from 'livesocket/react'
import usePartySocket from 'partysocket/use-ws'
import {
  createContext,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import * as reactUseWebSocket from 'react-use-websocket'
import type { Tick } from '../feed.js'
import type { Meter } from './meter.js'

/** A way for a component to get the messages of a topic. All contenders show the same. */
export interface Contender {
  readonly feed: 'raw' | 'live'
  /** The provider above the components, if the contender needs one. */
  Around(props: { url: string; children: ReactNode }): ReactNode
  /** Calls `onReady` once messages would arrive. */
  Ready(props: { url: string; onReady(): void }): ReactNode
  /** The latest message, for one component that acts on all messages, which `meter` counts. */
  useTicks(url: string, meter: Meter): Tick | undefined
  /** The latest message of one topic, for one of many components. */
  useCell(url: string, topic: string): Tick | undefined
  /** The connection, for one of several components without a provider above them. Absent if there is no such hook. */
  useConnection?(url: string): void
}

// In an ESM package, a bundler gives the module object of this CommonJS package.
const useWebSocket = ((found: unknown) =>
  typeof found === 'function' ? found : (found as { default: unknown }).default)(
  reactUseWebSocket.default,
) as typeof reactUseWebSocket.default.default

const parse = (text: unknown) => JSON.parse(text as string) as Tick
const Plain = ({ children }: { children: ReactNode }) => children

function useReady(ready: boolean, onReady: () => void) {
  useEffect(() => {
    if (ready) onReady()
  }, [ready, onReady])
  return null
}

/** Messages that pass through React state are seen in an effect, where state is seen. */
function useSeenInEffect(meter: Meter, last: Tick | undefined) {
  useLayoutEffect(() => {
    if (!last) return
    meter.saw(last)
    meter.committed()
  }, [meter, last])
}

const livesocket: Contender = {
  feed: 'live',
  Around({ url, children }) {
    const [socket] = useState(() => createLiveSocket({ url: `${url}/live` }))
    useEffect(() => {
      socket.connect()
      return () => socket.close()
    }, [socket])
    return <LiveSocketProvider socket={socket}>{children}</LiveSocketProvider>
  },
  Ready: ({ onReady }) => useReady(useLiveStatus() === 'live', onReady),
  useTicks(_url, meter) {
    const last = useLiveReducer(
      'ticks',
      (_before: Tick | undefined, data) => {
        meter.saw(data as Tick)
        return data as Tick
      },
      undefined,
    )
    useLayoutEffect(() => meter.committed(), [meter, last])
    return last
  },
  useCell: (_url, topic) => useLiveValue(topic) as Tick | undefined,
  useConnection: (url) => void useLiveSocket({ url: `${url}/live` }),
}

/** A store as an expert writes it by hand: it folds outside of React and notifies React once a frame. */
function createFrameStore(url: string) {
  const listeners = new Set<() => void>()
  let seen: ((tick: Tick) => void) | undefined
  let last: Tick | undefined
  let frame = 0
  const socket = new WebSocket(`${url}/raw`)
  socket.onmessage = ({ data }) => {
    last = parse(data)
    seen?.(last)
    frame ||= requestAnimationFrame(() => {
      frame = 0
      for (const listener of listeners) listener()
    })
  }
  return {
    socket,
    onTick: (handler: (tick: Tick) => void) => void (seen = handler),
    getState: () => last,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

type FrameStore = ReturnType<typeof createFrameStore>
const FrameStoreContext = createContext<FrameStore | null>(null)

const handWritten: Contender = {
  feed: 'raw',
  Around({ url, children }) {
    const [store] = useState(() => createFrameStore(url))
    return <FrameStoreContext value={store}>{children}</FrameStoreContext>
  },
  Ready({ onReady }) {
    const { socket } = useContext(FrameStoreContext)!
    useEffect(() => socket.addEventListener('open', onReady), [socket, onReady])
    return null
  },
  useTicks(_url, meter) {
    const store = useContext(FrameStoreContext)!
    useEffect(() => store.onTick(meter.saw), [store, meter])
    const last = useSyncExternalStore(store.subscribe, store.getState)
    useLayoutEffect(() => meter.committed(), [meter, last])
    return last
  },
  useCell(_url, topic) {
    const store = useContext(FrameStoreContext)!
    return useSyncExternalStore(store.subscribe, () =>
      store.getState()?.topic === topic ? store.getState() : undefined,
    )
  },
}

const reactUseWebSocketHook: Contender = {
  feed: 'raw',
  Around: Plain,
  Ready: ({ url, onReady }) =>
    useReady(useWebSocket(`${url}/raw`, { share: true, filter: () => false }).readyState === 1, onReady),
  useTicks(url, meter) {
    const { lastMessage } = useWebSocket(`${url}/raw`, { share: true })
    const last = useMemo(() => (lastMessage ? parse(lastMessage.data) : undefined), [lastMessage])
    useSeenInEffect(meter, last)
    return last
  },
  useCell(url, topic) {
    const { lastMessage } = useWebSocket(`${url}/raw`, { share: true })
    const last = lastMessage ? parse(lastMessage.data) : undefined
    return last?.topic === topic ? last : undefined
  },
  useConnection: (url) => void useWebSocket(`${url}/raw`, { share: true }),
}

const LastContext = createContext<Tick | undefined>(undefined)

const partysocket: Contender = {
  feed: 'raw',
  // The hook shares no socket, so an application calls it once, high up, and passes the last message down.
  Around({ url, children }) {
    const [last, setLast] = useState<Tick>()
    usePartySocket(`${url}/raw`, undefined, { onMessage: ({ data }) => setLast(parse(data)), onOpen: () => opened() })
    return <LastContext value={last}>{children}</LastContext>
  },
  Ready({ onReady }) {
    useEffect(() => void whenOpen.then(onReady), [onReady])
    return null
  },
  useTicks(_url, meter) {
    const last = useContext(LastContext)
    useSeenInEffect(meter, last)
    return last
  },
  useCell(_url, topic) {
    const last = useContext(LastContext)
    return last?.topic === topic ? last : undefined
  },
  useConnection: (url) => void usePartySocket(`${url}/raw`),
}

let opened!: () => void
const whenOpen = new Promise<void>((resolve) => void (opened = resolve))

export const contenders: Readonly<Record<string, Contender>> = {
  livesocket,
  'hand-written frame store': handWritten,
  'react-use-websocket': reactUseWebSocketHook,
  partysocket,
}
