import type { Position } from '../protocol/frames.js'
import { sessionOf } from '../socket/insides.js'
import { inside } from '../socket/reading.js'
import { nobody } from '../topics/subscriptions.js'

/** Where a topic was when a component was first rendered. */
export interface FirstRender {
  /**
   * Called by a render, on a client: that is the moment. Where nobody on the page knows where the topic is, the server
   * is asked; it is subscribed until the answer, and no longer for a render that comes to nothing.
   */
  mark(): void
  /** Null where it is not known yet, and in another session. */
  position(): Position | null
}

/** Not answered yet: renders until then begin at one place. By socket, and in it by topic. */
const asked = new WeakMap<object, Map<string, Mark>>()

interface Mark {
  position: Position | null
}

export function createFirstRender(socket: object, topic: string): FirstRender {
  const session = sessionOf(socket)
  let mark: Mark | null = null
  return {
    mark: () => void (mark ??= markOf(socket, topic)),
    position: () => (mark && sessionOf(socket) === session ? mark.position : null),
  }
}

function markOf(socket: object, topic: string): Mark {
  const { subscriptions } = inside(socket)
  const mark: Mark = { position: subscriptions.position(topic) }
  if (mark.position) return mark
  const marks = asked.get(socket) ?? new Map<string, Mark>()
  const known = marks.get(topic)
  if (known) return known
  asked.set(socket, marks)
  marks.set(topic, mark)
  const look = () => {
    if (subscriptions.status(topic) === 'pending') return
    marks.delete(topic)
    mark.position = subscription.position()
    // Who subscribes in this task finds the topic still subscribed.
    queueMicrotask(subscription)
  }
  const subscription = subscriptions.add(topic, nobody, undefined, false, look)
  look()
  return mark
}
