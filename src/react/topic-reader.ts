import { sessionOf } from '../socket/insides.js'
import type { LiveSocketError } from '../base/errors.js'
import type { MessageInfo } from '../topics/message.js'
import type { Last, Position } from '../protocol/frames.js'
import { createFirstRender } from './first-render.js'
import type { SocketOf, TopicName } from './register.js'

/** One reader of a topic, which stops and goes on as its component's effects do. */
export interface TopicReader<Data, Topic extends string> {
  /** In a render on a client: see `FirstRender`. */
  mark(): void
  /**
   * Every message since the reader was made, or since it last stopped, and the refusals of the topic; returns the stop.
   */
  read(
    handler: (data: Data, message: MessageInfo<Topic>) => void,
    onError?: ((error: LiveSocketError) => void) | undefined,
  ): () => void
}

/** Made in a render. What comes between the first one that marks it and its effect is read all the same. */
export function createTopicReader<Topics extends object, Topic extends TopicName<Topics>>(
  socket: SocketOf<Topics>,
  topic: Topic,
  from?: Position | Last,
): TopicReader<Topics[Topic], Topic> {
  let place: Position | Last | null = from ?? null
  let asked = from !== undefined
  let first = asked ? null : createFirstRender(socket, topic)
  const present = () => sessionOf(socket)
  let session = present()
  return {
    mark: () => first?.mark(),
    read(handler, onError) {
      // Where somebody else was is no place to begin.
      if (present() !== session && !asked) place = null
      session = present()
      place ??= first?.position() ?? null
      first = null
      let reading = true
      let last: MessageInfo<Topic> | null = null
      const told = (data: Topics[Topic], message: MessageInfo<Topic>) => {
        last = message
        if (reading) handler(data, message)
      }
      // Without `from` it is in step with the others of its topic: nothing is asked of the server.
      const isBehind = place !== null && (asked || !isAt(socket.position(topic), place))
      const undo = socket.subscribe(topic, told, { [asked ? 'from' : 'since']: isBehind ? place! : undefined, onError })
      return () => {
        reading = false
        if (present() !== session) last = null
        place = last ?? (isBehind ? null : socket.position(topic)) ?? place
        asked = false
        // A StrictMode or a hot-reload remount, or another reader of the same commit, comes before this task ends: it
        // finds the topic still subscribed, and in its place.
        queueMicrotask(undo)
      }
    },
  }
}

function isAt(present: Position | null, place: Position | Last): boolean {
  return present !== null && 'epoch' in place && present.epoch === place.epoch && present.offset === place.offset
}
