import { createStubServer, messageEvent, type Stub } from '../kit/stub-socket.js'
import { tick } from '../kit/tick.js'
import type { Peer } from '../peers/peer.js'

/** A client, and the least work that any client could do with the same texts: parse them and call back. */
export interface MessagePair {
  /** Makes the texts of the next block, which is not measured. */
  prepare(messages: number): void
  parse(): void
  /** Fulfils when the application has received the whole block. */
  client(): Promise<void>
}

export async function createMessagePair(peer: Peer): Promise<MessagePair> {
  const server = createStubServer(peer)
  let seen = 0
  let sent = 0
  let events: object[] = []
  let bare: { readonly data: string }[] = []
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
  const onmessage = ({ data }: { readonly data: string }) => {
    if (JSON.parse(data) !== null) parsed++
  }

  return {
    prepare(messages) {
      const wires = Array.from({ length: messages }, (_, at) => peer.wire(sent + at + 1, tick(sent + at + 1)))
      // Flattens the text before the measurement: a text from the network is flat too.
      const flat = (text: string) => JSON.parse(JSON.stringify(text)) as string
      bare = wires.map((wire) => messageEvent(flat(peer.json?.(wire) ?? wire)))
      events = wires.map((wire) => messageEvent(flat(wire)))
    },
    parse() {
      for (const event of bare) onmessage(event)
    },
    async client() {
      sent += events.length
      const all = new Promise<void>((resolve) => (told = resolve))
      for (const event of events) stub.deliver(event)
      if (seen < sent) await all
    },
  }
}
