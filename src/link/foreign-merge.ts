import type { Clock } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswers, TopicRequests } from '../protocol/frames.js'

/** How a server's messages can be told apart on two legs, and so what an overlap is worth. */
export type MergeStrength = 'position' | 'identity' | 'none'

export interface ForeignMergeHandlers {
  deliver(message: { topic: string; epoch: string; offset: number; data: unknown; leg: number; replayed: boolean }): void
  gap(gap: { topic: string; epoch: string; from: number | null; to: number | null; reason: 'trimmed' | 'epoch' | 'lost' }): void
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /** Please call `drained` for that leg once everything that its server had sent by now has arrived. */
  fence(leg: number): void
}

export interface ForeignMergeDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly strength: MergeStrength
  readonly gapTimeout: number
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Topic {
  readonly name: string
  /** By position: where the topic is. Else the number of what was delivered, in an epoch of our own. */
  position: Position | null
}

interface Held {
  readonly topic: Topic
  readonly leg: number
  readonly frame: MessageFrame
  readonly bytes: number
}

/** Messages delivered last whose identities are remembered, so that a server which repeats some after a reconnection repeats them in vain. */
const REMEMBERED = 10_000
/** Servers that name no epoch have one. */
const LOCAL = 'local'

/**
 * Merges what a foreign server sends on two legs, which names neither heads nor answers. During an overlap the old leg is
 * authoritative: what the new one brings is held until the old one has no more (`drained`: a word of the server's, or a ping
 * answered in order), and then delivered less what came before.
 *
 * - `position`: every message is delivered once and in order, and what is missing is one gap with its bounds.
 * - `identity`: the same in a planned move; over a break, what the server does not send again is lost, and nobody can tell.
 * - `none`: what the active leg brings is delivered, and nothing is promised about the rest.
 */
export function createForeignMerge({ clock, id, strength, gapTimeout, maxMessages, maxBytes }: ForeignMergeDeps, handlers: ForeignMergeHandlers) {
  const topics = new Map<string, Topic>()
  const recent = new Set<string>()
  const hellos = new Map<number, ReadonlySet<string>>()
  const counts = { duplicates: 0, held: 0, gaps: 0 }
  let held: Held[] = []
  let bytes = 0
  let active: number | null = null
  let old: number | null = null
  let stopWaiting: (() => void) | null = null

  function deliver(topic: Topic, leg: number, frame: MessageFrame, offset: number, epoch: string) {
    topic.position = { epoch, offset }
    if (frame.hasData) handlers.deliver({ topic: topic.name, epoch, offset, data: frame.data, leg, replayed: false })
  }

  function remember(identity: string): boolean {
    if (recent.has(identity)) return false
    recent.add(identity)
    if (recent.size > REMEMBERED) recent.delete(recent.values().next().value!)
    return true
  }

  function take(topic: Topic, leg: number, frame: MessageFrame) {
    if (strength === 'position') return takeByPosition(topic, leg, frame)
    // A topic's name is part of what makes a message the same: servers number their topics apart.
    if (frame.identity != null && !remember(`${topic.name} ${frame.identity}`)) return void counts.duplicates++
    deliver(topic, leg, frame, (topic.position?.offset ?? 0) + 1, LOCAL)
  }

  function takeByPosition(topic: Topic, leg: number, frame: MessageFrame) {
    const at = topic.position
    const epoch = frame.epoch ?? LOCAL
    const { offset, prev } = frame
    if (at && at.epoch !== epoch) {
      if (leg !== active) return
      gap({ topic: topic.name, epoch, from: null, to: null, reason: 'epoch' })
    } else if (at) {
      if (offset <= at.offset) return void counts.duplicates++
      if (prev > at.offset) gap({ topic: topic.name, epoch, from: at.offset + 1, to: prev, reason: 'lost' })
    }
    deliver(topic, leg, frame, offset, epoch)
  }

  function gap(gap: Parameters<ForeignMergeHandlers['gap']>[0]) {
    counts.gaps++
    handlers.gap(gap)
  }

  /** In sequence already, by its number: it need not wait for the old leg. */
  function inSequence(topic: Topic, frame: MessageFrame): boolean {
    const at = topic.position
    return strength === 'position' && at !== null && at.epoch === (frame.epoch ?? LOCAL) && frame.prev <= at.offset
  }

  function hold(topic: Topic, leg: number, frame: MessageFrame) {
    const size = estimate(frame.data)
    held.push({ topic, leg, frame, bytes: size })
    bytes += size
    counts.held++
    // Past the bound the old leg is not waited for any longer: what it brings late is a duplicate, or was promised to nobody.
    if (held.length > maxMessages || bytes > maxBytes) release()
  }

  /** The old leg has no more: what was held goes out, in the order in which it came. */
  function release() {
    old = null
    stopWaiting?.()
    stopWaiting = null
    const waiting = held
    held = []
    bytes = 0
    for (const { topic, leg, frame } of waiting) if (topics.get(topic.name) === topic) take(topic, leg, frame)
  }

  /** By position, what is in sequence by now goes out while the old leg still lives. */
  function drainHeld() {
    for (let at = 0; at < held.length; ) {
      const { topic, leg, frame, bytes: size } = held[at]!
      if (!inSequence(topic, frame)) {
        at++
        continue
      }
      held.splice(at, 1)
      bytes -= size
      take(topic, leg, frame)
      at = 0
    }
  }

  return {
    subscribe(name: string, from: Position | null) {
      const known = topics.get(name)
      if (known) {
        if (from && strength === 'position') known.position = from
        else return
      } else topics.set(name, { name, position: strength === 'position' ? from : null })
      if (active !== null) handlers.subscribe(active, id(), new Map([[name, from]]))
    },
    unsubscribe(name: string) {
      if (!topics.delete(name)) return
      for (const leg of [active, old]) if (leg !== null) handlers.unsubscribe(leg, [name])
    },
    hello(leg: number): TopicRequests {
      hellos.set(leg, new Set(topics.keys()))
      return new Map([...topics.values()].map(({ name, position }) => [name, strength === 'position' ? position : null]))
    },
    ready(leg: number, _answers: TopicAnswers, _refused: ReadonlySet<string>) {
      const asked = hellos.get(leg)
      hellos.delete(leg)
      if (old !== null) release()
      old = strength === 'none' ? null : active
      active = leg
      const missing = [...topics.values()].filter(({ name }) => !asked?.has(name))
      if (missing.length > 0) handlers.subscribe(leg, id(), new Map(missing.map(({ name, position }) => [name, position])))
      const unwanted = [...(asked ?? [])].filter((name) => !topics.has(name))
      if (unwanted.length > 0) handlers.unsubscribe(leg, unwanted)
      if (old !== null) handlers.fence(old)
    },
    subscribed(_leg: number, _id: string | undefined, _topics: TopicAnswers) {},
    refused(_leg: number, name: string, retry: boolean) {
      if (!retry) topics.delete(name)
    },
    message(leg: number, frame: MessageFrame) {
      const topic = topics.get(frame.topic)
      if (!topic) return
      if (leg === active && old === null) return take(topic, leg, frame)
      if (leg === active) return inSequence(topic, frame) ? take(topic, leg, frame) : hold(topic, leg, frame)
      if (leg !== old) return
      take(topic, leg, frame)
      drainHeld()
    },
    /** Everything that the old leg's server had to say has arrived. */
    drained(leg: number) {
      if (leg !== old) return
      // By position a missing number may still be on its way there; elsewhere nothing could tell.
      if (held.length === 0 || strength === 'identity') return release()
      stopWaiting ??= clock.setTimeout(release, gapTimeout)
    },
    gone(leg: number) {
      hellos.delete(leg)
      if (leg === old) release()
      else if (leg === active) {
        // The old one serves again, and brings itself, in its own order, what was held for its sake.
        held = []
        bytes = 0
        stopWaiting?.()
        stopWaiting = null
        active = old
        old = null
      }
    },
    caughtUp: () => active !== null && old === null,
    position: (name: string) => topics.get(name)?.position ?? null,
    get held() {
      return { messages: held.length, bytes }
    },
    stats: () => ({ ...counts }),
    stop() {
      topics.clear()
      held = []
      bytes = 0
      stopWaiting?.()
      active = null
      old = null
    },
  }
}

export type ForeignMerge = ReturnType<typeof createForeignMerge>

/** Roughly, and cheaply: two bytes a character, as engines keep it; parsed data by what it takes as JSON. */
function estimate(data: unknown): number {
  if (typeof data === 'string') return 2 * data.length
  if (data instanceof ArrayBuffer) return data.byteLength
  try {
    return 2 * (JSON.stringify(data)?.length ?? 0)
  } catch {
    return 0
  }
}
