import type { Protocol } from '../../../src/protocol/protocol.js'
import type { LiveConnection } from '../../../src/socket/live-connection.js'

/** A real server of another kind, or a stand-in where it cannot be had, that tells numbers and asks to hand over. */
export interface ForeignServer {
  readonly port: number
  /** What is dialled, at the port of a relay to it. */
  url(port: number): string
  readonly protocol: Protocol
  readonly topic: string
  /** The number in a message. */
  numberIn(data: unknown): number
  /** Tells that number to whoever follows the topic. */
  tell(number: number): void
  /** The library of its users over what is tried; absent: a live socket alone, which follows the topic. */
  client?(
    url: string,
    heard: (number: number) => void,
  ): {
    /** Once the library has dialled. */
    live(): LiveConnection | undefined
    close(): void
  }
  /** The server's own way to ask; absent: the client hands over by itself. */
  askToMove?(): void
  close(): Promise<void>
}

/** What is dialled, where it is the port alone. */
export const atPort = (port: number) => `ws://127.0.0.1:${port}/`
