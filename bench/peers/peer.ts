import type { Tick } from '../kit/tick.js'

/**
 * A client library as an application uses it, and the texts that its server sends. The library is measured against
 * ready-made texts, so it needs no server of its own.
 */
export interface Peer {
  /** The first texts of its server. */
  readonly greeting?: readonly string[]
  /** What its server answers to a text of the client. */
  answers(text: string): readonly string[]
  /** The text with which its server sends message `n`, counted from 1. */
  wire(n: number, tick: Tick): string
  /** The JSON within such a text, if the text has more than JSON. */
  json?(wire: string): string
  connect(ask: Connect): Connection
}

export interface Connect {
  readonly url: string
  /** A WebSocket class: a stub or a real one. */
  readonly WebSocket: unknown
  /** Called with the parsed data of every message. */
  onMessage(data: unknown): void
}

export interface Connection {
  /** Fulfils once messages would arrive. */
  readonly ready: Promise<void>
  /** Sends data to the server. The promise fulfils with the answer, if the library knows it. */
  publish(data: unknown): Promise<unknown> | void
  close(): void
}

/** The topic that clients subscribe to, and the topic that they publish into. */
export const TOPIC = 'ticks'
export const OUTBOUND = 'orders'

export function ignore() {}
