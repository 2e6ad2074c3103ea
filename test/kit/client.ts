import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from 'livesocket'
import WebSocket from 'ws'
import { systemClock } from '../../src/base/clock.js'
import type { CheckedClient } from './checker.js'
import type { Numbered } from './publisher.js'
import { createVisitor } from './visitor.js'

/** How long each step of each handover of one client took, ms. */
export interface Moves {
  /** From the server's request to the moment when the new leg serves. */
  readonly requestToCutover: number[]
  /** From the dial to the open socket. */
  readonly dial: number[]
  /** The time in which both legs were open. */
  readonly overlap: number[]
}

export interface DemoClient {
  readonly socket: LiveSocket
  readonly moves: Moves
  /** How many publishes were answered, refused, and of unknown outcome. */
  readonly published: { answered: number; refused: number; unknown: number }
  publish(topic: string, message: Numbered): void
  close(): void
}

export interface DemoClientOptions {
  name: string
  url: string
  /** The URL of the token service. */
  tokenUrl: string
  topics: readonly string[]
  /** Receives what the application sees. */
  checked: CheckedClient
  handover?: LiveSocketOptions['handover']
}

/** A LiveSocket application in Node: it reads topics, publishes, and reports what it saw to the checker. */
export function connectClient({ name, url, tokenUrl, topics, checked, handover }: DemoClientOptions): DemoClient {
  const moves = { requestToCutover: [] as number[], dial: [] as number[], overlap: [] as number[] }
  const published = { answered: 0, refused: 0, unknown: 0 }
  const now = () => systemClock.monotonic()
  const socket = createLiveSocket({
    url,
    getToken: createVisitor(tokenUrl, name).getToken,
    handover,
    environment: { WebSocket },
  })

  let requestedAt = 0
  let dialledAt = 0
  socket.on('handover-requested', () => {
    requestedAt = now()
    checked.moving()
  })
  socket.on('leg-dialling', () => void (dialledAt = now()))
  socket.on('leg-open', () => void moves.dial.push(now() - dialledAt))
  socket.on('cutover', () => void moves.requestToCutover.push(now() - requestedAt))
  socket.on('handover-finished', ({ overlap }) => void moves.overlap.push(overlap))
  socket.on('gap', ({ topic, from, to }) => checked.gap(topic, from, to))
  let live = false
  socket.store.subscribe(({ status }) => {
    if (live === (status === 'live')) return
    live = status === 'live'
    checked.live(live)
  })
  for (const topic of topics) {
    socket.subscribe(topic, (data, { offset }) => {
      const { from, n } = data as Numbered
      checked.delivered(from, n, offset)
    })
  }
  socket.connect()

  return {
    socket,
    moves,
    published,
    publish(topic, message) {
      socket.publish(topic, message).then(
        () => published.answered++,
        ({ code }: { code?: string }) => (code === 'outcome-unknown' ? published.unknown++ : published.refused++),
      )
    },
    close: () => socket.close(),
  }
}
