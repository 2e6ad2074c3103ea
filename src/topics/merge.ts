import { explain } from '../base/explanation.js'
import type {
  MessageFrame,
  Position,
  TopicAnswer,
  TopicAnswers,
  TopicRequest,
  TopicRequests,
} from '../protocol/frames.js'
import { roomInFrame } from './frame-room.js'
import { estimateBytes } from './holding.js'
import { covers, takeAnswer, type LegView } from './leg-view.js'
import type { Merge, MergeDeps, MergeHandlers } from './merge-contract.js'
import type { Gap } from './gap.js'
import { TopicSequence, type TopicSequenceHandlers } from './topic-sequence.js'

export type { Merge, MergeDeps, MergeHandlers } from './merge-contract.js'

export function createMerge(deps: MergeDeps, handlers: MergeHandlers): Merge {
  return new LogMerge(deps, handlers)
}

class LogMerge implements Merge, TopicSequenceHandlers {
  readonly #topics = new Map<string, TopicSequence>()
  #active: number | null = null
  #old: number | null = null
  /** What was requested by the hello of each leg that is not ready yet. */
  readonly #hellos = new Map<number, ReadonlyMap<string, LegView>>()
  #generations = 0
  /** Topics to process before the current call returns. */
  #dirty: Set<TopicSequence> | null = null
  /** Names of topics to request from the active leg, or to unsubscribe. */
  #asking: Set<string> | null = null
  /** A handler of the application is running. What it causes by calling back waits until it returns. */
  #telling = false
  readonly #held = { messages: 0, bytes: 0 }
  readonly #counts = { duplicates: 0, held: 0, gaps: 0 }
  readonly #deps: MergeDeps
  readonly #handlers: MergeHandlers
  /** The application's handler, or the schema check in front of it. */
  readonly deliver: MergeHandlers['deliver']

  constructor(deps: MergeDeps, handlers: MergeHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.deliver = handlers.deliver
  }

  message(leg: number, frame: MessageFrame) {
    const { topic: name, offset, prev } = frame
    const topic = this.#topics.get(name)
    const named = topic && this.#viewOf(topic, leg)?.named
    if (!named) return
    if (!(prev >= 0 && prev < offset))
      return this.#handlers.invalid(
        name,
        explain`The server sent a message with the offset ${offset} and the prev ${prev}.`,
      )
    named.tail = Math.max(named.tail, offset)
    if (topic.epoch !== named.epoch) return
    if (offset <= topic.offset) return void this.#counts.duplicates++
    const replayed = offset <= named.head
    const early = prev > topic.offset
    if (early || topic.open || this.#telling) {
      const bytes = early ? estimateBytes(frame.data) : 0
      if (!topic.hold({ frame, offset, prev, leg, replayed, bytes })) this.#counts.duplicates++
      else if (early) this.#counts.held++
      this.#mark(topic)
    } else {
      this.#telling = true
      try {
        topic.tell(offset, frame, leg, replayed)
      } finally {
        this.#telling = false
      }
    }
    this.ask()
  }

  subscribe(name: string, request: TopicRequest) {
    const known = this.#topics.get(name)
    const topic = known ?? this.#begin(name)
    if (!topic.rewind(request) && known) return
    topic.generation = ++this.#generations
    if (!topic.active?.refused) this.#gather(name)
  }

  /** Requests and unsubscribes of the code that is running now are combined into as few frames as possible. */
  #gather(name: string) {
    const { clock } = this.#deps
    const gathers = this.#asking
    this.#tell(name)
    if (!clock.turn) this.ask()
    else if (!gathers) clock.turn(() => this.ask())
  }

  #begin(name: string): TopicSequence {
    const topic = new TopicSequence(name, this.#held, this.#deps, this)
    this.#topics.set(name, topic)
    return topic
  }

  unsubscribe(name: string) {
    const topic = this.#topics.get(name)
    if (!topic) return
    this.#end(topic)
    this.#gather(name)
  }

  #end(topic: TopicSequence) {
    this.#topics.delete(topic.name)
    this.#dirty?.delete(topic)
    topic.refresh()
    topic.holding.clear()
  }

  hello(leg: number): TopicRequests {
    const views = new Map<string, LegView>()
    const requests = new Map<string, TopicRequest>()
    const has = roomInFrame()
    for (const topic of this.#topics.values())
      if (has(topic.name, topic.request)) views.set(topic.name, ask(topic, null, requests))
    this.#hellos.set(leg, views)
    return requests
  }

  ready(leg: number, answers: TopicAnswers, refused: Pick<ReadonlySet<string>, 'has'>) {
    if (leg === this.#active || leg === this.#old) return
    const hello = this.#hellos.get(leg)
    this.#hellos.delete(leg)
    this.#old = this.#active
    this.#active = leg
    for (const topic of this.#topics.values()) {
      topic.old = topic.active
      topic.active = null
      topic.refresh()
      this.#mark(topic)
      const view = hello?.get(topic.name)
      if (view?.generation === topic.generation) {
        view.refused = refused.has(topic.name)
        topic.active = view
        this.#answered(topic, view, answers)
      } else topic.resubscribe()
    }
    const unwanted = [...(hello?.keys() ?? [])].filter((name) => !this.#topics.has(name))
    if (unwanted.length > 0) this.#handlers.unsubscribe(leg, unwanted)
    this.ask()
  }

  subscribed(leg: number, id: string | undefined, answers: TopicAnswers) {
    for (const topic of this.#topics.values()) {
      const view = this.#viewOf(topic, leg)
      // Without an id the frame is unasked. While a `subscribe` is unanswered on this leg, only its answer counts.
      const counts = id === undefined ? view?.named && answers.has(topic.name) : view?.asked?.id === id
      if (counts) this.#answered(topic, view!, answers)
    }
    this.ask()
  }

  /** The leg answered its request. If the answer lacks this topic, the active leg is asked again. */
  #answered(topic: TopicSequence, view: LegView, answers: TopicAnswers) {
    const answer = answers.get(topic.name)
    if (answer) this.#name(topic, view, answer)
    else if (view === topic.active) topic.resubscribe()
  }

  /** The leg answered a `subscribe` or its `hello`, or named an epoch unasked. */
  #name(topic: TopicSequence, view: LegView, answer: TopicAnswer) {
    const unasked = view.asked === null
    const wrong = takeAnswer(view, answer)
    if (wrong) {
      if (!unasked && view === topic.active) topic.resubscribe()
      // The handler may unsubscribe the topic.
      return this.#handlers.invalid(topic.name, wrong)
    }
    this.#mark(topic)
    if (view !== topic.active) return
    topic.adopt(view.named!, unasked, view.generation === topic.generation)
    this.#handlers.answered?.(topic.name, { epoch: answer.epoch, offset: answer.offset })
  }

  refused(leg: number, name: string, retryAfter: number | undefined, id?: string) {
    const topic = this.#topics.get(name)
    const view = topic && this.#viewOf(topic, leg)
    if (!view || (id !== undefined && view.asked?.id !== id)) return
    view.asked = null
    view.named = null
    view.refused = retryAfter === undefined
    if (!view.refused && view === topic.active) topic.pause(retryAfter)
    this.#mark(topic)
    this.ask()
  }

  gone(leg: number) {
    this.#hellos.delete(leg)
    const wasActive = leg === this.#active
    if (!wasActive && leg !== this.#old) return this.ask()
    if (wasActive) this.#active = this.#old
    this.#old = null
    const served: TopicSequence[] = []
    for (const topic of this.#topics.values()) {
      if (wasActive) topic.active = topic.old
      topic.old = null
      this.#mark(topic)
      if (wasActive && this.#serveAgain(topic)) served.push(topic)
    }
    // A handler may end the next topic.
    for (const topic of served)
      if (this.#topics.get(topic.name) === topic) this.#handlers.answered?.(topic.name, topic.position!)
    this.ask()
  }

  /** The old leg has become the active one again, or no leg is left. True: what it said about the topic holds. */
  #serveAgain(topic: TopicSequence): boolean {
    const { active: view } = topic
    topic.refresh()
    // A topic that it left unanswered is requested too: it may have answered without the topic while it was being
    // spared. It may also have brought some of the newest messages that are wanted while the other leg was to name
    // them.
    if (!view?.named || topic.last > 0 || view.generation !== topic.generation) topic.resubscribe()
    else {
      if (topic.epoch === null) topic.adopt(view.named, false)
      return topic.epoch === view.named.epoch
    }
    return false
  }

  caughtUp(): boolean {
    if (this.#active === null) return false
    for (const { active: view, position } of this.#topics.values()) {
      if (!view) return false
      if (view.refused) continue
      if (!position || !view.named) return false
      if (!covers(view.named, position) || position.offset < view.named.head) return false
    }
    return true
  }

  #viewOf(topic: TopicSequence, leg: number): LegView | null {
    return leg === this.#active ? topic.active : leg === this.#old ? topic.old : null
  }

  #mark(topic: TopicSequence) {
    ;(this.#dirty ??= new Set()).add(topic)
  }

  /** Processes all open work in one loop that never nests: a handler that calls back only adds work to it. */
  ask() {
    if (this.#telling || !(this.#dirty ?? this.#asking)) return
    this.#telling = true
    this.#deps.present?.look()
    try {
      while (this.#dirty ?? this.#asking) {
        const dirty = this.#dirty
        if (dirty)
          for (const topic of dirty) {
            this.#advance(topic)
            dirty.delete(topic)
          }
        this.#dirty = null
        this.#relieve()
        if (this.#asking) this.#sendAsking(this.#asking)
      }
    } finally {
      this.#telling = false
    }
  }

  #advance(topic: TopicSequence) {
    while ((this.#active ?? this.#old) !== null && this.#topics.get(topic.name) === topic) {
      if (!topic.look(this.#asking?.has(topic.name) ?? false)) return
    }
  }

  /** Sends the pending requests, from the current positions: as many as fit into one frame, at least one. */
  #sendAsking(names: ReadonlySet<string>) {
    this.#asking = null
    if (this.#active === null) return
    const id = this.#deps.id()
    const requests = new Map<string, TopicRequest>()
    const leaving: string[] = []
    const has = roomInFrame(this.#handlers.serving?.maxFrame)
    for (const name of names) {
      const topic = this.#topics.get(name)
      if (!has(name, topic?.request) && requests.size + leaving.length > 0) this.#tell(name)
      else if (topic) topic.active = ask(topic, id, requests)
      else leaving.push(name)
    }
    if (leaving.length > 0)
      for (const leg of [this.#active, this.#old]) if (leg !== null) this.#handlers.unsubscribe(leg, leaving)
    if (requests.size > 0) this.#handlers.subscribe(this.#active, id, requests)
  }

  /** The legs must be told whether that topic is wanted. */
  #tell(name: string) {
    ;(this.#asking ??= new Set()).add(name)
  }

  /**
   * Above the bound, discards what the active leg will bring again anyway; else drops a standby leg; else discards and
   * requests what is held.
   */
  #relieve() {
    if (this.#within()) return
    for (const topic of this.#topics.values()) {
      const { position, holding } = topic
      if (position && !this.#asking?.has(topic.name) && covers(topic.active?.named, position)) holding.clear()
    }
    if (this.#within() || this.#handlers.overflow()) return
    for (const topic of this.#topics.values()) {
      const { holding } = topic
      if (!holding.first) continue
      holding.clear()
      if (this.#active !== null && !topic.active?.asked) topic.resubscribe()
    }
  }

  #within(): boolean {
    return this.#held.messages <= this.#deps.maxMessages && this.#held.bytes <= this.#deps.maxBytes
  }

  gap(gap: Gap) {
    this.#counts.gaps++
    this.#handlers.gap(gap)
  }

  /** A leg that has refused a topic permanently is not asked for it again, whatever position is wanted. */
  resubscribe(topic: TopicSequence) {
    if (!topic.active?.refused) this.#tell(topic.name)
  }

  wake(topic: TopicSequence) {
    this.#mark(topic)
    this.ask()
  }

  position(name: string): Position | null {
    return this.#topics.get(name)?.position ?? null
  }

  get held() {
    return { ...this.#held }
  }

  stats() {
    return { ...this.#counts }
  }

  stop() {
    for (const topic of this.#topics.values()) this.#end(topic)
    this.#hellos.clear()
    this.#active = null
    this.#old = null
  }
}

/** Requests the topic from a leg, by that `subscribe` or by its `hello`. */
function ask(topic: TopicSequence, id: string | null, requests: Map<string, TopicRequest>): LegView {
  const { name, generation, request: from } = topic
  requests.set(name, from)
  return { generation, asked: { id, from }, named: null, refused: false }
}
