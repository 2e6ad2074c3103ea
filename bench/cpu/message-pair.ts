import { createStubServer, messageEvent, type Stub } from '../kit/stub-socket.js'
import { tick } from '../kit/tick.js'
import type { Peer } from '../peers/peer.js'

/** A client and the least that anybody could do with the same texts: parse them, and call back. */
export interface MessagePair {
  /** Makes the texts of the next block, which is in nobody's measure. */
  prepare(messages: number): void
  parse(): void
  /** Fulfils when the application has seen all of the block. */
  client(): Promise<void>
}

export async function createMessagePair(peer: Peer): Promise<MessagePair> {
  const server = createStubServer(peer)
  let seen = 0
  let sent = 0
  let events: object[] = []
  let texts: string[] = []
  let told: (() => void) | null = null
  let parsed = 0

  const connection = peer.connect({
    url: 'ws://localhost/live',
    WebSocket: server.WebSocket,
    onMessage: () => {
      if (++seen === sent) told?.()
    },
  })
  await connection.ready
  seen = 0
  const stub = server.sockets.at(-1) as Stub
  const callback = (data: unknown) => {
    if (data !== null) parsed++
  }

  return {
    prepare(messages) {
      const wires = Array.from({ length: messages }, (_, at) => peer.wire(sent + at + 1, tick(sent + at + 1)))
      // A text is flat before it is measured, as one that came from the network is.
      texts = wires.map((wire) => JSON.parse(JSON.stringify(peer.json?.(wire) ?? wire)) as string)
      events = wires.map((wire) => messageEvent(JSON.parse(JSON.stringify(wire)) as string))
    },
    parse() {
      for (const text of texts) callback(JSON.parse(text))
    },
    async client() {
      sent += events.length
      const all = new Promise<void>((resolve) => (told = resolve))
      for (const event of events) stub.deliver(event)
      if (seen < sent) await all
    },
  }
}
