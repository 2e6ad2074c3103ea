import type { MessageInfo } from '../topics/message.js'
import type { Readers, SubscriptionsHandlers } from '../topics/subscriptions.js'

/** The only reader of a socket that is its own topic. It is there from the beginning and never leaves. */
export class SoleTopic implements Readers {
  readonly #topic: string
  readonly #read: (data: unknown) => void
  readonly #handlers: SubscriptionsHandlers

  constructor(topic: string, read: (data: unknown) => void, handlers: SubscriptionsHandlers) {
    this.#topic = topic
    this.#read = read
    this.#handlers = handlers
  }

  deliver(data: unknown, { topic }: MessageInfo) {
    if (topic !== this.#topic) return
    try {
      this.#read(data)
    } catch (error) {
      this.#handlers.threw(error, topic)
    }
  }

  /** Returns false for its own topic: nothing watches its refusals. */
  refused(topic: string) {
    return topic !== this.#topic
  }

  answered() {}

  unserved() {}

  /** Subscribes from now on. */
  restart() {
    this.#handlers.merge.subscribe(this.#topic, null)
  }
}
