import type { Tick } from '../../kit/tick.js'

/** Publishes into topics that it has itself subscribed to. */
export interface Echo {
  publish(topic: string, data: Tick): void
  /** Keeps handing over until it is told to stop. */
  move(): { stop(): Promise<void> }
  /** Two legs are open now. */
  overlapping(): boolean
  close(): void
}

export type OpenEcho = (ask: {
  urls: readonly string[]
  topics: readonly string[]
  onMessage(data: Tick): void
}) => Promise<Echo>
