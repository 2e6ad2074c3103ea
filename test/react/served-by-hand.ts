import { createLiveSocket } from 'livesocket'
import { vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { fakeWebSockets } from '../kit/fake-socket.js'

/** Without turns a request is sent at once, so a test can answer it within a render. */
const { turn: _, ...clock } = systemClock

const HEAD = { epoch: 'e', offset: 5, after: 5 }

/**
 * A live socket that has subscribed these topics (default: `topic` alone) up to offset 5, and a server whose frames,
 * and their time, the test decides.
 */
export async function servedByHand(topic: string, subscribed = [topic]) {
  const { WebSocket, sockets } = fakeWebSockets()
  const socket = createLiveSocket({ url: 'wss://live.test', environment: { WebSocket, clock } })
  const others: unknown[] = []
  for (const one of subscribed) socket.subscribe(one, (data) => void others.push(data))
  socket.connect()
  await vi.waitUntil(() => sockets.length > 0)
  const wire = sockets[0]!
  const serve = (frame: object) => wire.message(JSON.stringify(frame))
  wire.open('livesocket.v1')
  serve({ type: 'welcome', server: 's', topics: Object.fromEntries(subscribed.map((one) => [one, HEAD])) })
  return {
    socket,
    /** What another subscriber of the topic received. */
    others,
    message: (offset: number, data: unknown) => serve({ type: 'message', topic, offset, data }),
    /** Answers the client's newest `subscribe`; returns what it asked for. */
    answer(offset: number, after: number): unknown {
      const { id, topics } = JSON.parse(wire.sent.at(-1) as string) as { id: string; topics: Record<string, unknown> }
      serve({ type: 'subscribed', id, topics: { [topic]: { epoch: 'e', offset, after } } })
      return topics[topic]
    },
  }
}
