import type { Tick } from '../../kit/tick.js'

/** A client that publishes into topics which it has itself subscribed to. */
export interface Echo {
  publish(topic: string, data: Tick): void
  /** Hands over again and again until `stop`. */
  move(): { stop(): Promise<void> }
  /** Whether two legs are open at this moment. */
  overlapping(): boolean
  close(): void
}

export type OpenEcho = (ask: {
  urls: readonly string[]
  topics: readonly string[]
  onMessage(data: Tick): void
}) => Promise<Echo>
