import type { Position } from '../protocol/frames.js'
import { inside } from '../socket/reading.js'
import { nobody, type Subscription } from '../topics/subscriptions.js'

/** Where a topic was when a component was first rendered. */
export interface FirstRender {
  /** Called by each render, on a client: the first one is the moment. */
  begin(): void
  /** Null where it is not known yet. */
  since(): Position | null
}

/**
 * Where nobody on the page knows where the topic is, the server is asked; it is subscribed until the answer, and no
 * longer for a render that comes to nothing.
 */
export function createFirstRender(socket: object, topic: string): FirstRender {
  const { subscriptions } = inside(socket)
  let subscription: Subscription | undefined
  function look() {
    // Who subscribes in this task finds the topic still subscribed.
    if (subscription!.position() || subscriptions.status(topic) !== 'pending') subscription!()
  }
  return {
    begin() {
      subscription ??= subscriptions.add(topic, nobody, look)
      look()
    },
    since: () => subscription?.position() ?? null,
  }
}
