import type { Tick } from '../kit/tick.js'

/** A client library as an application uses it, and what a server of it says: measured against ready-made words, no server of its own is needed. */
export interface Peer {
  /** What its server says first. */
  readonly greeting?: readonly string[]
  /** What its server answers to a text of the client. */
  answers(text: string): readonly string[]
  /** How its server sends the `n`-th message; `n` counts from 1. */
  wire(n: number, tick: Tick): string
  /** The JSON of such a text, where there is more in it. */
  json?(wire: string): string
  connect(ask: Connect): Connection
}

export interface Connect {
  readonly url: string
  /** A WebSocket class: a stub, or a real one. */
  readonly WebSocket: unknown
  /** Told of every message, with its data parsed. */
  onMessage(data: unknown): void
}

export interface Connection {
  /** Fulfils when messages arrive from then on. */
  readonly ready: Promise<void>
  /** Sends it to the server; fulfils when it is answered, where that is known. */
  publish(data: unknown): Promise<unknown> | void
  close(): void
}

/** The topic that is subscribed to, and another one to publish into. */
export const TOPIC = 'ticks'
export const OUTBOUND = 'orders'

export function ignore() {}
