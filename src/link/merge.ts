import type { Clock } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswer, TopicAnswers, TopicRequests } from '../protocol/frames.js'
import { covers, createHolding, estimateBytes, judge, TRIES } from './topic-sequence.js'
import type { Holding, LegView, Named } from './topic-sequence.js'

export interface MergedMessage {
  readonly topic: string
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  readonly leg: number
  /** It existed already when the leg that brought it was subscribed. */
  readonly replayed: boolean
}

export interface Gap {
  readonly topic: string
  /** The epoch in which the topic goes on. */
  readonly epoch: string
  /** First and last missing offset, inclusive; null where unknown. */
  readonly from: number | null
  readonly to: number | null
  readonly reason: 'trimmed' | 'epoch' | 'lost'
}

/** Called one at a time, never one inside another: what a handler causes by calling back is told after it has returned. */
export interface MergeHandlers {
  deliver(message: MergedMessage): void
  gap(gap: Gap): void
  /** Please send this `subscribe` on the active leg. */
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /** More is held than may be. True: a standby leg was dropped for it. False: there is none, and the held ones will be asked for again. */
  overflow(): boolean
  invalid(topic: string, reason: string): void
  /** The active leg named the topic: what a subscriber that came 'from now' since the topic was last asked for starts after. */
  answered?(topic: string, position: Position): void
}

/** Several legs in, one sequence per topic out: PROTOCOL, client rule 4. */
export interface Merge {
  /** First interest in a topic; or later, with a position below its present one (or in another epoch): goes back there. */
  subscribe(topic: string, from: Position | null): void
  unsubscribe(topic: string): void
  /** What the `hello` of this new leg is to ask. */
  hello(leg: number): TopicRequests
  /** The leg's `welcome` arrived: it is the active one now, and the former active one is the old leg. `refused`: topics of errors before it. */
  ready(leg: number, topics: TopicAnswers, refused: ReadonlySet<string>): void
  subscribed(leg: number, id: string | undefined, topics: TopicAnswers): void
  /** An `error` with a topic. `retry`: it may be asked for again, after a pause. `id`: that of the `subscribe`, where the error bore it. */
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

/** A server that leaves topics unanswered, or breaks its stream again and again, is asked at this pace (milliseconds), doubling. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

interface Topic {
  readonly name: string
  /** Which of the application's subscriptions this is: an answer to a former one says nothing about it. */
  generation: number
  position: Position | null
  readonly holding: Holding
  /** The gap of a new epoch: due, or unconfirmed while it is the subscriber's word that there is such an epoch. */
  epochGap: 'none' | 'unconfirmed' | 'due'
  /** The old leg's time is over, until the active leg covers again. */
  waited: boolean
  /** When something was told last, while the old leg is waited for. */
  progress: number
  stopWaiting: (() => void) | null
  /** How often the active leg was asked since something was told. */
  tries: number
  stopPausing: (() => void) | null
}

interface Leg {
  readonly number: number
  readonly views: Map<string, LegView>
}

export function createMerge(deps: MergeDeps, handlers: MergeHandlers): Merge {
  const { clock } = deps
  const topics = new Map<string, Topic>()
  const hellos = new Map<number, Map<string, { generation: number; from: Position | null }>>()
  let active: Leg | null = null
  let old: Leg | null = null
  let generations = 0
  /** Topics to be looked at, and topics to be asked for on the active leg, before the present call returns. */
  const dirty = new Set<Topic>()
  const asking = new Set<Topic>()
  let settling = false
  /** Over all topics. */
  const held = { messages: 0, bytes: 0 }
  const counts = { duplicates: 0, held: 0, gaps: 0 }

  function legOf(number: number): Leg | null {
    return active?.number === number ? active : old?.number === number ? old : null
  }

  function stopWaiting(topic: Topic) {
    topic.stopWaiting?.()
    topic.stopWaiting = null
  }

  /** Nothing that was tried or waited for before counts any more. */
  function refresh(topic: Topic) {
    stopWaiting(topic)
    topic.stopPausing?.()
    topic.stopPausing = null
    topic.waited = false
    topic.tries = 0
    asking.delete(topic)
  }

  function forget(topic: Topic) {
    refresh(topic)
    dirty.delete(topic)
    topics.delete(topic.name)
    topic.holding.clear()
  }

  function ask(topic: Topic) {
    if (!active || topic.stopPausing) return
    const tries = topic.tries++
    if (tries < TRIES) {
      asking.add(topic)
      return
    }
    topic.stopPausing = clock.setTimeout(
      () => {
        topic.stopPausing = null
        asking.add(topic)
        settle()
      },
      Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - TRIES)),
    )
  }

  /** Sends what was decided to ask, from where the positions are by now. */
  function sendAsking() {
    if (!active || asking.size === 0) return asking.clear()
    const id = deps.id()
    const requests = new Map<string, Position | null>()
    for (const { name, generation, position } of asking) {
      requests.set(name, position)
      active.views.set(name, { generation, asked: { id, from: position }, named: null, refused: false })
    }
    asking.clear()
    handlers.subscribe(active.number, id, requests)
  }

  function wait(topic: Topic) {
    if (topic.stopWaiting) return
    const until = (delay: number) => {
      topic.stopWaiting = clock.setTimeout(() => {
        // An old leg that goes on bringing what is missing is not given up: each message of it is one less in the gap.
        const rest = deps.gapTimeout - (clock.monotonic() - topic.progress)
        if (rest > 0) return until(rest)
        topic.stopWaiting = null
        topic.waited = true
        dirty.add(topic)
        settle()
      }, delay)
    }
    topic.progress = clock.monotonic()
    until(deps.gapTimeout)
  }

  function moved(topic: Topic, offset: number) {
    topic.position = { epoch: topic.position!.epoch, offset }
    topic.tries = 0
    if (topic.stopWaiting) topic.progress = clock.monotonic()
  }

  /** Tells of a topic what can be told, then sees to what cannot. The topic may change or end in every handler. */
  function run(topic: Topic) {
    while (topics.get(topic.name) === topic) {
      const { position, holding } = topic
      if (!position || topic.epochGap === 'unconfirmed') return
      if (topic.epochGap === 'due') {
        topic.epochGap = 'none'
        counts.gaps++
        handlers.gap({ topic: topic.name, epoch: position.epoch, from: null, to: null, reason: 'epoch' })
        continue
      }
      const next = holding.take(position.offset)
      if (next) {
        moved(topic, next.offset)
        const { offset, data, leg, replayed } = next
        if (next.hasData) handlers.deliver({ topic: topic.name, epoch: position.epoch, offset, data, leg, replayed })
        continue
      }
      if (asking.has(topic) || topic.stopPausing) return
      const view = active?.views.get(topic.name)
      const verdict = judge(position, view, old?.views.get(topic.name), holding.first, topic.waited, topic.tries)
      if (verdict.do === 'wait for the old leg') return wait(topic)
      stopWaiting(topic)
      if (verdict.do === 'ask again') return ask(topic)
      if (verdict.do === 'go on') {
        if (covers(view?.named, position)) topic.waited = false
        return
      }
      moved(topic, verdict.to)
      counts.gaps++
      handlers.gap({ topic: topic.name, epoch: position.epoch, from: position.offset + 1, to: verdict.to, reason: verdict.reason })
    }
  }

  /** Past the bound, gives up what will come again by itself, then a standby leg, then asks again for the rest. */
  function relieve() {
    const within = () => held.messages <= deps.maxMessages && held.bytes <= deps.maxBytes
    if (within()) return
    for (const topic of topics.values()) {
      if (topic.position && covers(active?.views.get(topic.name)?.named, topic.position)) topic.holding.clear()
    }
    if (within() || handlers.overflow()) return
    for (const topic of topics.values()) {
      if (!topic.holding.first) continue
      topic.holding.clear()
      stopWaiting(topic)
      if (active && !active.views.get(topic.name)?.asked) ask(topic)
    }
  }

  /** All telling is done here, in one loop that never nests: a handler that calls back only leaves work for it. */
  function settle() {
    if (settling) return
    settling = true
    try {
      do {
        for (const topic of dirty) {
          run(topic)
          dirty.delete(topic)
        }
        relieve()
        sendAsking()
      } while (dirty.size > 0 || asking.size > 0)
    } finally {
      settling = false
    }
  }

  /** The leg answered a `subscribe` or `hello`, or (unasked) named an epoch. */
  function name(topic: Topic, leg: Leg, view: LegView, answer: TopicAnswer, from: Position | null, unasked: boolean) {
    const { epoch, offset: head, after } = answer
    if (after > Math.max(head, from?.offset ?? 0)) {
      handlers.invalid(topic.name, `after ${after} is beyond the head ${head}`)
      if (!unasked && leg === active) ask(topic)
      return
    }
    view.asked = null
    view.refused = false
    view.named = { epoch, head, after, from, tail: 0 }
    if (leg !== active) return void dirty.add(topic)
    adopt(topic, view.named, unasked)
    handlers.answered?.(topic.name, { epoch, offset: head })
  }

  /** What the active leg's word does to the position. */
  function adopt(topic: Topic, named: Named, unasked: boolean) {
    const { position } = topic
    dirty.add(topic)
    if (!position) {
      // The tail: what an old leg brought before it served again was never told, and the subscription begins now.
      topic.position = { epoch: named.epoch, offset: Math.max(named.after, named.tail) }
    } else if (position.epoch === named.epoch) {
      if (topic.epochGap === 'unconfirmed') topic.epochGap = 'due'
    } else if (unasked || named.from?.epoch === position.epoch) {
      topic.position = { epoch: named.epoch, offset: named.after }
      topic.holding.clear()
      topic.epochGap = 'due'
    }
  }

  return {
    subscribe(topicName, from) {
      let topic = topics.get(topicName)
      if (!topic) {
        const holding = createHolding(held)
        topic = { name: topicName, generation: 0, position: from, holding, epochGap: 'none', waited: false, progress: 0, stopWaiting: null, tries: 0, stopPausing: null }
        topics.set(topicName, topic)
      } else {
        const { position } = topic
        if (!from || (position && position.epoch === from.epoch && position.offset <= from.offset)) return
        if (position && position.epoch !== from.epoch) {
          topic.holding.clear()
          topic.epochGap = 'unconfirmed'
        }
        topic.position = from
        refresh(topic)
      }
      topic.generation = ++generations
      ask(topic)
      settle()
    },

    unsubscribe(topicName) {
      const topic = topics.get(topicName)
      if (!topic) return
      forget(topic)
      for (const leg of [active, old]) {
        if (!leg) continue
        leg.views.delete(topicName)
        handlers.unsubscribe(leg.number, [topicName])
      }
      settle()
    },

    hello(leg) {
      const asked = new Map([...topics].map(([topicName, { generation, position }]) => [topicName, { generation, from: position }]))
      hellos.set(leg, asked)
      return new Map([...topics].map(([topicName, { position }]) => [topicName, position]))
    },

    ready(number, answers, refused) {
      if (legOf(number)) return
      const hello = hellos.get(number)
      hellos.delete(number)
      const leg: Leg = { number, views: new Map() }
      old = active
      active = leg
      for (const topic of topics.values()) {
        refresh(topic)
        const { name: topicName, generation } = topic
        const asked = hello?.get(topicName)
        const answer = answers.get(topicName)
        if (asked?.generation !== generation) {
          ask(topic)
          continue
        }
        const view: LegView = { generation, asked: null, named: null, refused: refused.has(topicName) }
        leg.views.set(topicName, view)
        if (answer) name(topic, leg, view, answer, asked.from, false)
        else if (!view.refused) ask(topic)
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
          if (answer && view.named) name(topic, leg, view, answer, null, true)
        } else if (view.asked?.id === id) {
          if (answer) name(topic, leg, view, answer, view.asked.from, false)
          else if (leg === active) ask(topic)
        }
      }
      settle()
    },

    refused(number, topicName, retry, id) {
      const leg = legOf(number)
      const view = leg?.views.get(topicName)
      const topic = topics.get(topicName)
      if (!leg || !view || !topic || (id !== undefined && view.asked?.id !== id)) return
      view.asked = null
      view.named = null
      view.refused = !retry
      if (leg === active) {
        stopWaiting(topic)
        if (retry) {
          topic.tries = Math.max(topic.tries, TRIES)
          ask(topic)
        }
      }
      dirty.add(topic)
      settle()
    },

    message(number, frame) {
      const topic = topics.get(frame.topic)
      const view = legOf(number)?.views.get(frame.topic)
      if (!topic || !view?.named) return
      const { offset, prev, data, hasData } = frame
      if (!(prev >= 0 && prev < offset)) {
        handlers.invalid(frame.topic, `a message's prev ${prev} is not below its offset ${offset}`)
        return
      }
      const { named } = view
      named.tail = Math.max(named.tail, offset)
      const { position } = topic
      if (!position || position.epoch !== named.epoch) return
      if (offset <= position.offset) {
        counts.duplicates++
        return
      }
      const early = prev > position.offset
      const bytes = early || settling ? estimateBytes(data) : 0
      const fresh = topic.holding.add({ offset, prev, data, hasData, leg: number, replayed: offset <= named.head, bytes })
      if (!fresh) counts.duplicates++
      else if (early) counts.held++
      dirty.add(topic)
      settle()
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
          refresh(topic)
          const view = active?.views.get(topic.name)
          if (!active || view?.refused) continue
          if (!view?.named || view.generation !== topic.generation) ask(topic)
          else if (!topic.position) adopt(topic, view.named, false)
          else dirty.add(topic)
        }
      }
      settle()
    },

    caughtUp() {
      if (!active) return false
      for (const topic of topics.values()) {
        const view = active.views.get(topic.name)
        if (asking.has(topic) || !view) return false
        if (view.refused) continue
        const { named } = view
        if (!named || !topic.position || !covers(named, topic.position) || topic.position.offset < named.head) return false
        // What is still to be told first: a handler asks while another one of the same call waits its turn.
        if (topic.epochGap !== 'none') return false
      }
      return true
    },

    position: (topicName) => topics.get(topicName)?.position ?? null,
    get held() {
      return { ...held }
    },
    stats: () => ({ ...counts }),
    stop() {
      for (const topic of [...topics.values()]) forget(topic)
      hellos.clear()
      active = null
      old = null
    },
  }
}
