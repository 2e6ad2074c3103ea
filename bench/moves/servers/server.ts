import type { Protocol } from '../../../src/protocol/protocol.js'
import type { LiveConnection } from '../../../src/socket/live-connection.js'

/**
 * A real server of another protocol, or a stand-in if none can be installed. It publishes numbers and asks clients to
 * hand over.
 */
export interface ForeignServer {
  readonly port: number
  /** The URL to dial, if a relay to the server listens on `port`. */
  url(port: number): string
  readonly protocol: Protocol
  readonly topic: string
  /** The number in a message. */
  numberIn(data: unknown): number
  /** Publishes the number to all followers of the topic. */
  tell(number: number): void
  /**
   * The protocol's usual client library on top of a live socket. Absent: a live socket alone, which follows the topic.
   */
  client?(
    url: string,
    heard: (number: number) => void,
  ): {
    /** The live connection, once the library has dialled. */
    live(): LiveConnection | undefined
    close(): void
  }
  /** The server's own way to ask for a handover. Absent: the client hands over on its own. */
  askToMove?(): void
  close(): Promise<void>
}

/** The URL for servers without a path. */
export const atPort = (port: number) => `ws://127.0.0.1:${port}/`
