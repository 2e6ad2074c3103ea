import type { Position } from '../protocol/frames.js'
import { inside } from '../socket/reading.js'
import { nobody, type Subscription } from '../topics/subscriptions.js'

/** The position of a topic at the first render of a component. */
export interface FirstRender {
  /** Called by each render on a client. The first call decides. */
  begin(): void
  /** Null while it is not known. */
  since(): Position | null
}

/**
 * If nothing on the page knows the topic's position, the server is asked. The topic is then subscribed until the
 * answer, and no longer if React discards the render.
 */
export function createFirstRender(socket: object, topic: string): FirstRender {
  const { subscriptions } = inside(socket)
  let subscription: Subscription | undefined
  function look() {
    // A subscription that is made in this task finds the topic still subscribed.
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
