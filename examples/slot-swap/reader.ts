import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import { createLiveSocket } from 'livesocket'
import { reconnectNotice, signalR } from 'livesocket/presets'
import { systemClock } from '../../src/base/clock.js'
import { createBooks, type GapBounds } from '../../test/kit/books.js'

/** How a page connects to the chat. The first three use LiveSocket, each with another endpoint of the same slots. */
export const WAYS = {
  plain: 'a plain WebSocket endpoint, reconnectNotice()',
  hub: 'a SignalR hub, signalR()',
  live: 'livesocket.v1 in C#',
  stock: 'the hub, @microsoft/signalr with automatic reconnect',
  stateful: 'the hub, @microsoft/signalr with stateful reconnect',
} as const
export type Way = keyof typeof WAYS
export const OURS = ['plain', 'hub', 'live'] as const

/** What one client received: the news, which are 1, 2, 3, …, and the lines of the chat. */
export interface Tally {
  readonly got: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  /** Milliseconds, as `longestSilence`. */
  readonly notLive: number
  readonly longestSilence: number
  readonly moves: number
  readonly lines: readonly string[]
}

export interface Reader {
  readonly way: Way
  /** Resolves when it is live. */
  ready(): Promise<void>
  say(line: string): Promise<void>
  readonly moves: number
  readonly newest: number
  /** The lines of the chat. */
  readonly lines: readonly string[]
  /** The tally of news up to this number. */
  tally(last: number): Tally
  close(): void
}

/** @param origin the front's, with `http:`. @param WebSocket a class to use instead of the platform's. */
export function follow(way: Way, origin: string, WebSocket?: unknown): Reader {
  const books = createBooks(() => systemClock.monotonic(), 1)
  const news = books.account
  const lines: string[] = []

  function hear(data: unknown) {
    if (typeof data === 'number') books.arrived(data)
    else lines.push((data as { line: string }).line)
  }

  const client = way === 'stock' || way === 'stateful' ? theirs(way, origin) : ours(way, origin, WebSocket)
  const told = new Promise<void>((resolve) =>
    client.start({
      hear,
      live(is) {
        books.live(is)
        if (is) resolve()
      },
      gap: books.gap,
    }),
  )
  return {
    way,
    ready: () => told,
    say: (line) => client.say({ line }),
    lines,
    get moves() {
      return client.moves()
    },
    get newest() {
      return news.newest
    },
    tally(last) {
      const { delivered, repeated, reordered } = news
      return {
        got: delivered - repeated,
        lost: news.lost(last),
        repeated,
        reordered,
        gaps: books.gaps.length,
        notLive: books.notLive,
        longestSilence: books.longestSilence,
        moves: client.moves(),
        lines,
      }
    },
    close: client.close,
  }
}

interface Handlers {
  hear(data: unknown): void
  live(is: boolean): void
  gap(bounds: GapBounds): void
}

interface Client {
  start(handlers: Handlers): void
  say(data: object): Promise<void>
  moves(): number
  close(): void
}

const PATHS = { plain: '/ws', hub: '/hub', live: '/live' }

function ours(way: (typeof OURS)[number], origin: string, WebSocket?: unknown): Client {
  const socket = createLiveSocket({
    url: origin.replace('http', 'ws') + PATHS[way],
    ...(way === 'plain' && { protocol: reconnectNotice({ numbered: true }) }),
    ...(way === 'hub' && { protocol: signalR({ identity: ([name]) => String(name) }) }),
    ...(WebSocket !== undefined && { environment: { WebSocket: WebSocket as never } }),
  })
  return {
    start({ hear, live, gap }) {
      socket.subscribe('chat', (data) => hear(way === 'hub' ? (data as unknown[])[1] : data))
      socket.on('gap', gap)
      socket.store.subscribe(({ status }) => live(status === 'live'))
      socket.connect()
    },
    async say(data) {
      if (way === 'hub') await socket.publish('Say', [data])
      else await socket.publish('chat', way === 'plain' ? { data } : data)
    },
    moves: () => socket.stats().handovers,
    close: () => socket.close(),
  }
}

function theirs(way: 'stock' | 'stateful', origin: string): Client {
  const builder = new HubConnectionBuilder()
    .withUrl(`${origin}/hub`, { transport: HttpTransportType.WebSockets, skipNegotiation: way === 'stock' })
    .withAutomaticReconnect()
    .configureLogging(LogLevel.None)
  const hub = (way === 'stateful' ? builder.withStatefulReconnect() : builder).build()
  let reconnects = 0
  return {
    start({ hear, live }) {
      hub.on('chat', (_name: string, data: unknown) => hear(data))
      // The hub's request to hand over: this client ignores it, but would log a missing handler.
      hub.on('reconnect', () => undefined)
      hub.onreconnecting(() => live(false))
      hub.onclose(() => live(false))
      hub.onreconnected(() => {
        reconnects++
        live(true)
      })
      hub.start().then(
        () => live(true),
        () => undefined,
      )
    },
    say: (data) => hub.invoke('Say', data),
    moves: () => reconnects,
    close: () => void hub.stop(),
  }
}
