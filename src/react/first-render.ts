import type { Position } from '../protocol/frames.js'
import { inside } from '../socket/reading.js'
import { nobody } from '../topics/subscriptions.js'

/** Where a topic was when a component was first rendered; null where it is not known yet. */
export interface FirstRender {
  position: Position | null
}

/** Not answered yet: renders until then begin at one place. By socket, and in it by topic. */
const asked = new WeakMap<object, Map<string, FirstRender>>()

/**
 * Called by a render, on a client: that is the moment. Where nobody on the page knows where the topic is, the server is
 * asked; it is subscribed until the answer, and no longer for a render that comes to nothing.
 */
export function firstRender(socket: object, topic: string): FirstRender {
  const { subscriptions } = inside(socket)
  const position = subscriptions.position(topic)
  if (position) return { position }
  const marks = asked.get(socket) ?? new Map<string, FirstRender>()
  const known = marks.get(topic)
  if (known) return known
  const mark: FirstRender = { position }
  asked.set(socket, marks.set(topic, mark))
  const look = () => {
    if (subscriptions.status(topic) === 'pending') return
    marks.delete(topic)
    mark.position = subscription.position()
    // Who subscribes in this task finds the topic still subscribed.
    subscription()
  }
  const subscription = subscriptions.add(topic, nobody, look)
  look()
  return mark
}
