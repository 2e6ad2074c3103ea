import type { MessageFrame } from '../protocol/frames.js'
import type { ForeignMergeHandlers, MergeStrength } from './foreign-merge-contract.js'
import { lastBefore, nameOf, type ForeignTopic } from './foreign-topic.js'
import { createRecentIdentities, type RecentIdentities } from './recent-identities.js'

/** The epoch of a server that names none. It is the same on every page, because positions outlive the page. */
const UNNAMED = 'unnamed'

/** Delivers messages whose turn has come, and keeps what is known of those already delivered. */
export class ForeignDelivery {
  readonly counts = { duplicates: 0, held: 0, gaps: 0 }
  /**
   * The epoch of messages that name none. Without numbers of the server's it is unique, so that our offsets mean
   * nothing to another page.
   */
  readonly epoch: string
  readonly recent: RecentIdentities = createRecentIdentities()
  /**
   * The last of our own offsets. One count serves all topics, so that a topic that is subscribed again repeats none.
   */
  #told = 0
  readonly #numbered: boolean
  readonly #handlers: ForeignMergeHandlers

  constructor(strength: MergeStrength, id: () => string, handlers: ForeignMergeHandlers) {
    this.#numbered = strength === 'position'
    this.epoch = this.#numbered ? UNNAMED : id()
    this.#handlers = handlers
  }

  /** @param active whether `leg` is the active one. */
  take(topic: ForeignTopic, leg: number, frame: MessageFrame, active: boolean) {
    if (this.#numbered) return this.#takeByPosition(topic, leg, frame, active)
    // A `head` says that messages were missed, and here nobody can tell how many.
    if (frame.head) return topic.position ? this.lost(topic.name) : undefined
    const name = nameOf(topic, frame)
    if (name === null) topic.nameless ||= !frame.opening
    else if (!this.recent.bring(leg, name)) return void this.counts.duplicates++
    this.deliverNext(topic, leg, frame)
  }

  deliverNext(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const offset = this.#numbered ? (topic.position?.offset ?? 0) + 1 : ++this.#told
    this.#deliver(topic, leg, frame, offset, this.epoch)
  }

  /** Reports a gap in the topic: something was lost, and nobody knows how much. */
  lost(topic: string) {
    this.#gap(topic, this.epoch, null, null, 'lost')
  }

  #takeByPosition(topic: ForeignTopic, leg: number, frame: MessageFrame, active: boolean) {
    const at = topic.position
    const epoch = frame.epoch ?? this.epoch
    const { offset } = frame
    const prev = lastBefore(frame)
    if (at && at.epoch !== epoch) {
      // The old leg still uses the former epoch: its messages are not wanted any more.
      if (!active) return
      this.#gap(topic.name, epoch, null, null, 'epoch')
    } else if (at) {
      if (offset <= at.offset) return void this.counts.duplicates++
      if (prev > at.offset) this.#gap(topic.name, epoch, at.offset + 1, prev, 'lost')
    }
    this.#deliver(topic, leg, frame, offset, epoch)
  }

  #deliver(topic: ForeignTopic, leg: number, frame: MessageFrame, offset: number, epoch: string) {
    const { position } = topic
    topic.begunBy ??= leg
    if (position) {
      position.epoch = epoch
      position.offset = offset
    } else {
      topic.position = { epoch, offset }
      this.#handlers.answered?.(topic.name, { epoch, offset: this.#numbered ? lastBefore(frame) : offset - 1 })
    }
    if (frame.hasData) this.#handlers.deliver(frame.data, { topic: topic.name, offset, epoch, leg, replayed: false })
  }

  #gap(topic: string, epoch: string, from: number | null, to: number | null, reason: 'epoch' | 'lost') {
    this.counts.gaps++
    this.#handlers.gap({ topic, epoch, from, to, reason })
  }
}
