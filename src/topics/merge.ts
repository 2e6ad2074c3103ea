import type { Clock } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswer, TopicAnswers, TopicRequests } from '../protocol/frames.js'
import { estimateBytes } from './holding.js'
import { takeAnswer, type LegView, type ReadyLeg } from './leg-view.js'
import {
  covers,
  createTopicSequence,
  type Gap,
  type MergedMessage,
  type Named,
  type TopicSequence,
} from './topic-sequence.js'

export type { Gap, MergedMessage } from './topic-sequence.js'

/**
 * `deliver` and `gap` come one at a time, never one inside another: what a handler causes by calling back is told after
 * it has returned.
 */
export interface MergeHandlers {
  deliver(message: MergedMessage): void
  gap(gap: Gap): void
  /** Please send this `subscribe` on the active leg. */
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /**
   * More is held than may be. True: a standby leg was dropped for it. False: there is none, and the held ones will be
   * asked for again.
   */
  overflow(): boolean
  invalid(topic: string, reason: string): void
  /**
   * The active leg named the topic and this head: there begins who came 'from now' since the topic was last asked for.
   */
  answered?(topic: string, head: Position): void
}

/** Several legs in, one sequence per topic out: client rule 4. */
export interface Merge {
  /**
   * First interest in a topic; or later, with a position below its present one (or in another epoch): goes back there.
   */
  subscribe(topic: string, from: Position | null): void
  unsubscribe(topic: string): void
  /** What the `hello` of this new leg is to ask. */
  hello(leg: number): TopicRequests
  /**
   * The leg's `welcome` arrived: it is the active one now, and the former active one is the old leg. `refused`: topics
   * of errors before it.
   */
  ready(leg: number, topics: TopicAnswers, refused: ReadonlySet<string>): void
  subscribed(leg: number, id: string | undefined, topics: TopicAnswers): void
  /**
   * An `error` with a topic. `retry`: it may be asked for again, after a pause. `id`: that of the `subscribe`, where
   * the error bore it.
   */
  refused(leg: number, topic: string, retry: boolean, id?: string): void
  message(leg: number, frame: MessageFrame): void
  /** The leg was closed or died. If it was the active one and the old one lives, the old one serves again. */
  gone(leg: number): void
  /** Client rule 6: nothing that is wanted is still to come on the old leg only. */
  caughtUp(): boolean
  position(topic: string): Position | null
  readonly held: { readonly messages: number; readonly bytes: number }
  /** Counted since the start. */
  stats(): { duplicates: number; held: number; gaps: number }
  stop(): void
}

export interface MergeDeps {
  readonly clock: Clock
  readonly id: () => string
  /** How long the old leg may bring nothing of what the active leg lacks, in milliseconds. */
  readonly gapTimeout: number
  /** Bounds of what is held over all topics, in messages and in estimated bytes. */
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Topic {
  readonly name: string
  readonly sequence: TopicSequence
  /** Which of the application's subscriptions this is: an answer to a former one says nothing about it. */
  generation: number
}

export function createMerge(deps: MergeDeps, handlers: MergeHandlers): Merge {
  const { clock, gapTimeout } = deps
  const topics = new Map<string, Topic>()
  /** What the hellos asked of legs that are not ready yet. */
  const hellos = new Map<number, Map<string, { readonly generation: number; readonly from: Position | null }>>()
  let active: ReadyLeg | null = null
  let old: ReadyLeg | null = null
  let generations = 0
  /** Topics to be looked at, and topics to be asked for on the active leg, before the present call returns. */
  const dirty = new Set<Topic>()
  const asking = new Set<Topic>()
  let settling = false
  const held = { messages: 0, bytes: 0 }
  const counts = { duplicates: 0, held: 0, gaps: 0 }

  function legOf(number: number): ReadyLeg | null {
    return active?.number === number ? active : old?.number === number ? old : null
  }

  /** What holds of the topic on that leg: nothing where it is about to be asked anew. */
  function namedBy(leg: ReadyLeg | null, topic: Topic): Named | null | undefined {
    return leg === active && asking.has(topic) ? null : leg?.views.get(topic.name)?.named
  }

  function open(name: string, from: Position | null): Topic {
    const sequence = createTopicSequence(
      { clock, name, gapTimeout, total: held },
      {
        deliver: handlers.deliver,
        gap(gap) {
          counts.gaps++
          handlers.gap(gap)
        },
        ask: () => void asking.add(topic),
        wake() {
          dirty.add(topic)
          settle()
        },
      },
      from,
    )
    const topic: Topic = { name, sequence, generation: 0 }
    topics.set(name, topic)
    return topic
  }

  function shut(topic: Topic) {
    topics.delete(topic.name)
    dirty.delete(topic)
    asking.delete(topic)
    topic.sequence.refresh()
    topic.sequence.discard()
  }

  /**
   * All telling is done here, in one loop that never nests: a handler that calls back only leaves work for it.
   *
   * @param first is looked at first. Thousands of messages a second come one by one: a set that is filled and emptied
   * for each costs more than all the rest.
   */
  function settle(first?: Topic) {
    if (settling) return void (first && dirty.add(first))
    settling = true
    try {
      if (first) advance(first)
      do {
        if (dirty.size > 0) {
          for (const topic of dirty) {
            advance(topic)
            dirty.delete(topic)
          }
        }
        relieve()
        if (asking.size > 0) sendAsking()
      } while (dirty.size > 0 || asking.size > 0)
    } finally {
      settling = false
    }
  }

  function advance(topic: Topic) {
    while ((active || old) && topics.get(topic.name) === topic) {
      if (!topic.sequence.proceed(namedBy(active, topic), namedBy(old, topic))) return
    }
  }

  /** Sends what was decided to ask, from where the positions are by now. */
  function sendAsking() {
    if (!active) return asking.clear()
    const id = deps.id()
    const requests = new Map<string, Position | null>()
    for (const { name, generation, sequence } of asking) {
      requests.set(name, sequence.position)
      active.views.set(name, { generation, asked: { id, from: sequence.position }, named: null, refused: false })
    }
    asking.clear()
    handlers.subscribe(active.number, id, requests)
  }

  /** Past the bound, gives up what will come again by itself; else a standby leg; else asks again for what is held. */
  function relieve() {
    const within = () => held.messages <= deps.maxMessages && held.bytes <= deps.maxBytes
    if (within()) return
    for (const topic of topics.values()) {
      const { position } = topic.sequence
      if (position && covers(namedBy(active, topic), position)) topic.sequence.discard()
    }
    if (within() || handlers.overflow()) return
    for (const topic of topics.values()) {
      if (!topic.sequence.holds) continue
      topic.sequence.discard()
      if (active && !active.views.get(topic.name)?.asked) topic.sequence.ask()
    }
  }

  /** The leg answered a `subscribe` or its `hello`, or (unasked) named an epoch. */
  function name(
    topic: Topic,
    leg: ReadyLeg,
    view: LegView,
    answer: TopicAnswer,
    from: Position | null,
    unasked: boolean,
  ) {
    const wrong = takeAnswer(view, answer, from)
    if (wrong) {
      handlers.invalid(topic.name, wrong)
      if (!unasked && leg === active) topic.sequence.ask()
      return
    }
    dirty.add(topic)
    if (leg !== active) return
    topic.sequence.adopt(view.named!, unasked)
    handlers.answered?.(topic.name, { epoch: answer.epoch, offset: answer.offset })
  }

  return {
    subscribe(topicName, from) {
      const known = topics.get(topicName)
      if (known) {
        const at = known.sequence.position
        if (!from || (at && at.epoch === from.epoch && at.offset <= from.offset)) return
        known.sequence.rewind(from)
      }
      const topic = known ?? open(topicName, from)
      topic.generation = ++generations
      if (active) asking.add(topic)
      settle()
    },

    unsubscribe(topicName) {
      const topic = topics.get(topicName)
      if (!topic) return
      shut(topic)
      const legs = [active, old].filter((leg) => leg !== null)
      for (const leg of legs) leg.views.delete(topicName)
      for (const leg of legs) handlers.unsubscribe(leg.number, [topicName])
    },

    hello(leg) {
      const asked = [...topics.values()].map(({ name, generation, sequence }) => ({
        name,
        generation,
        from: sequence.position,
      }))
      hellos.set(leg, new Map(asked.map((topic) => [topic.name, topic])))
      return new Map(asked.map((topic) => [topic.name, topic.from]))
    },

    ready(number, answers, refused) {
      if (legOf(number)) return
      const hello = hellos.get(number)
      hellos.delete(number)
      const leg: ReadyLeg = { number, views: new Map() }
      old = active
      active = leg
      for (const topic of topics.values()) {
        topic.sequence.refresh()
        dirty.add(topic)
        const asked = hello?.get(topic.name)
        const answer = answers.get(topic.name)
        if (asked?.generation !== topic.generation) {
          topic.sequence.ask()
          continue
        }
        const view: LegView = {
          generation: topic.generation,
          asked: null,
          named: null,
          refused: refused.has(topic.name),
        }
        leg.views.set(topic.name, view)
        if (answer) name(topic, leg, view, answer, asked.from, false)
        else if (!view.refused) topic.sequence.ask()
      }
      const unwanted = [...(hello?.keys() ?? [])].filter((topicName) => !topics.has(topicName))
      if (unwanted.length > 0) handlers.unsubscribe(number, unwanted)
      settle()
    },

    subscribed(number, id, answers) {
      const leg = legOf(number)
      if (!leg) return
      for (const [topicName, view] of leg.views) {
        const topic = topics.get(topicName)
        const answer = answers.get(topicName)
        if (!topic) continue
        if (id === undefined) {
          // While a `subscribe` is unanswered there, its answer is what counts.
          if (answer && view.named) name(topic, leg, view, answer, null, true)
        } else if (view.asked?.id === id) {
          if (answer) name(topic, leg, view, answer, view.asked.from, false)
          else if (leg === active) topic.sequence.ask()
        }
      }
      settle()
    },

    refused(number, topicName, retry, id) {
      const leg = legOf(number)
      const view = leg?.views.get(topicName)
      const topic = topics.get(topicName)
      if (!view || !topic || (id !== undefined && view.asked?.id !== id)) return
      view.asked = null
      view.named = null
      view.refused = !retry
      if (retry && leg === active) topic.sequence.pause()
      dirty.add(topic)
      settle()
    },

    message(number, frame) {
      const topic = topics.get(frame.topic)
      const named = legOf(number)?.views.get(frame.topic)?.named
      if (!topic || !named) return
      const { offset, prev, data, hasData } = frame
      if (!(prev >= 0 && prev < offset)) {
        handlers.invalid(frame.topic, `The server sent a message with the offset ${offset} and ${prev} before it.`)
        return
      }
      named.tail = Math.max(named.tail, offset)
      const { position } = topic.sequence
      if (!position || position.epoch !== named.epoch) return
      if (offset <= position.offset) {
        counts.duplicates++
        return
      }
      const early = prev > position.offset
      const bytes = early ? estimateBytes(data) : 0
      const fresh = topic.sequence.hold({
        offset,
        prev,
        data,
        hasData,
        leg: number,
        replayed: offset <= named.head,
        bytes,
      })
      if (!fresh) counts.duplicates++
      else if (early) counts.held++
      settle(topic)
    },

    gone(number) {
      hellos.delete(number)
      if (old?.number === number) {
        old = null
        for (const topic of topics.values()) dirty.add(topic)
      } else if (active?.number === number) {
        active = old
        old = null
        for (const topic of topics.values()) {
          topic.sequence.refresh()
          dirty.add(topic)
          const view = active?.views.get(topic.name)
          if (!active || view?.refused) continue
          // Also what it has left unanswered so far: it may have answered without the topic while it was to be spared.
          if (!view?.named || view.generation !== topic.generation) topic.sequence.ask()
          else if (!topic.sequence.position) topic.sequence.adopt(view.named, false)
        }
      }
      settle()
    },

    caughtUp() {
      if (!active) return false
      for (const topic of topics.values()) {
        const view = active.views.get(topic.name)
        if (!view) return false
        if (view.refused) continue
        const { position } = topic.sequence
        if (!position || !view.named) return false
        if (!covers(view.named, position) || position.offset < view.named.head) return false
      }
      return true
    },

    position: (topicName) => topics.get(topicName)?.sequence.position ?? null,
    get held() {
      return { ...held }
    },
    stats: () => ({ ...counts }),
    stop() {
      for (const topic of [...topics.values()]) shut(topic)
      hellos.clear()
      active = null
      old = null
    },
  }
}
