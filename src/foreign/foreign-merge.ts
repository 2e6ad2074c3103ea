import type { Clock } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswers, TopicRequest, TopicRequests } from '../protocol/frames.js'
import type { MessageInfo } from '../topics/message.js'
import { createRecentIdentities } from './recent-identities.js'

/** How a server's messages can be told apart on two legs, and so what an overlap is worth. */
export type MergeStrength = 'position' | 'identity' | 'none'

export interface ForeignMergeHandlers {
  deliver(data: unknown, info: MessageInfo): void
  gap(gap: {
    topic: string
    epoch: string
    from: number | null
    to: number | null
    reason: 'trimmed' | 'epoch' | 'lost'
  }): void
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /** Please call `drained` for that leg once everything that its server had sent by now has arrived. */
  fence(leg: number): void
  /** More is held than may be. True: a standby leg was dropped for it. */
  overflow(): boolean
  /** There begins who came 'from now' on. */
  answered?(topic: string, head: Position): void
}

export interface ForeignMergeDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly strength: MergeStrength
  /**
   * What ends an overlap by identity. `fence`: a word of the server's or an answered ping; the old leg has the say
   * until then.
   * `match`: a sequence goes over to the new leg when the old one has brought what the new one brought first, and both
   * legs live for the whole overlap limit: for servers that begin to serve a new leg at some moment of their own.
   */
  readonly end: 'fence' | 'match'
  /** The fence takes the old leg's topics from it: should it serve again, it is asked for them anew. Default false. */
  readonly leaves?: boolean
  /** Milliseconds for which the old leg is not asked whether it has more. Default 0. */
  readonly leastOverlap?: number
  readonly gapTimeout: number
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Topic {
  readonly name: string
  /** By position: where the topic is. Else the number of what was delivered, in an epoch of our own. */
  position: Position | null
  /** Sequences that the active leg goes on with where the old one was. */
  readonly joined: Set<string>
  /** It has had messages that nothing tells from others. */
  nameless: boolean
}

interface Held {
  readonly topic: Topic
  readonly leg: number
  readonly frame: MessageFrame
  readonly bytes: number
}

const UNBOUNDED = { from: null, to: null, reason: 'lost' } as const

/** Positions outlive the page, so servers that name no epoch have one that always has the same name. */
const UNNAMED = 'unnamed'

/**
 * Merges what a foreign server sends on two legs, which names neither heads nor answers.
 *
 * - `position`: every message is delivered once and in order, whichever leg brings it first; what is missing is one gap
 *   with its bounds.
 * - `identity`: the old leg has the say. What the new one brings is held until the old one has no more, and delivered
 *   less what came before: the same promise in a planned move. Over a break, what the server does not send again is
 *   lost, and nobody can tell.
 * - `none`, and by `identity` what nothing names: what the active leg brings is delivered, and nothing is promised
 *   about the rest. A planned move is told as a gap of unknown bounds in each topic that has had such messages.
 */
export function createForeignMerge(
  { clock, id, strength, end, leaves = false, leastOverlap = 0, gapTimeout, maxMessages, maxBytes }: ForeignMergeDeps,
  handlers: ForeignMergeHandlers,
) {
  const topics = new Map<string, Topic>()
  /** A long overlap holds nothing for longer than it must: what both legs have brought is where the new one goes on. */
  const matches = end === 'match' || leastOverlap > 0
  const recent = createRecentIdentities()
  const hellos = new Map<number, ReadonlySet<string>>()
  const counts = { duplicates: 0, held: 0, gaps: 0 }
  /** Where a server does not number, an offset of ours must mean nothing to another page. */
  const ours = strength === 'position' ? UNNAMED : id()
  let held: Held[] = []
  let bytes = 0
  let active: number | null = null
  let old: number | null = null
  /** Topics that the active leg goes on with where another one was: what it begins with there is no news. */
  let carried = new Set<string>()
  /** Nothing follows on the old leg. */
  let ended = false
  let stopWaiting: (() => void) | null = null
  let stopStaying: (() => void) | null = null

  function deliver(topic: Topic, leg: number, frame: MessageFrame, offset: number, epoch: string) {
    const first = topic.position === null
    topic.position = { epoch, offset }
    if (first)
      handlers.answered?.(topic.name, { epoch, offset: strength === 'position' ? lastBefore(frame) : offset - 1 })
    if (frame.hasData) handlers.deliver(frame.data, { topic: topic.name, offset, epoch, leg, replayed: false })
  }

  /** A topic's name is part of what makes a message the same: servers number their topics apart. */
  function nameOf(topic: Topic, frame: MessageFrame): string | null {
    return frame.identity == null ? null : `${topic.name} ${frame.stream ?? ''} ${frame.identity}`
  }

  function take(topic: Topic, leg: number, frame: MessageFrame) {
    if (strength === 'position') return takeByPosition(topic, leg, frame)
    // Nobody knows how much there was.
    if (frame.head) return topic.position ? gap({ topic: topic.name, epoch: ours, ...UNBOUNDED }) : undefined
    const name = nameOf(topic, frame)
    if (name === null) topic.nameless ||= !frame.opening
    else if (!recent.bring(leg, name)) return void counts.duplicates++
    deliver(topic, leg, frame, (topic.position?.offset ?? 0) + 1, ours)
  }

  function takeByPosition(topic: Topic, leg: number, frame: MessageFrame) {
    const at = topic.position
    const epoch = frame.epoch ?? ours
    const { offset } = frame
    const prev = lastBefore(frame)
    if (at && at.epoch !== epoch) {
      // Of the old leg's numbering nothing is wanted any more.
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

  /** By its number it need not wait for any other: it is the next one, or a duplicate. */
  function inSequence(topic: Topic, frame: MessageFrame): boolean {
    const at = topic.position
    return at === null || (at.epoch === (frame.epoch ?? ours) && lastBefore(frame) <= at.offset)
  }

  function hold(topic: Topic, leg: number, frame: MessageFrame) {
    const size = estimate(frame.data)
    held.push({ topic, leg, frame, bytes: size })
    bytes += size
    counts.held++
    if (held.length <= maxMessages && bytes <= maxBytes) {
      // By an identity and a fence the fence alone says when to go on.
      if (leg !== active && leg !== old) return
      if (strength === 'position' || end === 'match') wait()
      return
    }
    if (handlers.overflow()) return
    // The old leg is not waited for any longer. Whether it had more to bring, its numbers will tell, or nobody can.
    if (strength === 'identity')
      for (const name of new Set(held.map((one) => one.topic.name))) gap({ topic: name, epoch: ours, ...UNBOUNDED })
    release()
  }

  function wait() {
    stopWaiting ??= clock.setTimeout(() => {
      stopWaiting = null
      if (ended || old === null) return release()
      for (const { topic, frame } of held) topic.joined.add(frame.stream ?? '')
      flush(() => true)
    }, gapTimeout)
  }

  /** Delivers what is held and `chosen`, in order. */
  function flush(chosen: (one: Held) => boolean) {
    // What a leg brings before it is ready waits until it is.
    const waiting = held.filter((one) => !hellos.has(one.leg) && chosen(one))
    if (waiting.length === 0) return
    held = held.filter((one) => !waiting.includes(one))
    bytes = held.reduce((sum, one) => sum + one.bytes, 0)
    if (strength === 'position') waiting.sort(inOrder(waiting))
    for (const { topic, leg, frame } of waiting) if (topics.get(topic.name) === topic) take(topic, leg, frame)
    if (held.length === 0) quiet()
  }

  /** Topic by topic; by offset, and what is of the present numbering before what is of another one. */
  function inOrder(waiting: readonly Held[]): (a: Held, b: Held) => number {
    const places = new Map([...new Set(waiting.map(({ topic }) => topic))].map((topic, place) => [topic, place]))
    const other = ({ topic, frame }: Held) =>
      Number(topic.position !== null && topic.position.epoch !== (frame.epoch ?? ours))
    return (a, b) =>
      places.get(a.topic)! - places.get(b.topic)! || other(a) - other(b) || a.frame.offset - b.frame.offset
  }

  function quiet() {
    stopWaiting?.()
    stopWaiting = null
  }

  /** The old leg has no say any more. */
  function release() {
    old = null
    stopStaying?.()
    stopStaying = null
    ended = false
    quiet()
    for (const topic of topics.values()) topic.joined.clear()
    flush(() => true)
  }

  function leave(leg: number) {
    if (leastOverlap === 0) return handlers.fence(leg)
    stopStaying = clock.setTimeout(() => {
      stopStaying = null
      handlers.fence(leg)
    }, leastOverlap)
  }

  /** What a message has made ready goes out: by position whatever is in sequence now. */
  function proceed() {
    for (
      let next: Held | undefined;
      (next = held.find((one) => !hellos.has(one.leg) && inSequence(one.topic, one.frame)));
    ) {
      const one = next
      flush((other) => other === one)
    }
    if (ended && held.length === 0) release()
  }

  function byPosition(topic: Topic, leg: number, frame: MessageFrame) {
    if (old !== null && !inSequence(topic, frame)) return hold(topic, leg, frame)
    take(topic, leg, frame)
    if (held.length > 0) proceed()
  }

  function byIdentity(topic: Topic, leg: number, frame: MessageFrame) {
    const stream = frame.stream ?? ''
    const name = nameOf(topic, frame)
    if (name === null) return nameless(topic, leg, frame)
    if (old === null || leg === old || topic.joined.has(stream)) {
      take(topic, leg, frame)
      if (leg !== old || !matches) return
      const first = held.find((one) => one.topic === topic && (one.frame.stream ?? '') === stream)
      if (first && nameOf(topic, first.frame) === name) join(topic, stream)
      return
    }
    if (matches && recent.repeats(leg, name)) return join(topic, stream, () => take(topic, leg, frame))
    hold(topic, leg, frame)
  }

  /**
   * Nothing tells it from another one, so one leg has the say: the active one, or in `match` the one that goes on with
   * its sequence.
   */
  function nameless(topic: Topic, leg: number, frame: MessageFrame) {
    const saying = end === 'fence' || old === null || topic.joined.has(frame.stream ?? '') ? active : old
    if (leg === saying) take(topic, leg, frame)
    else if (leg !== old && end === 'match') hold(topic, leg, frame)
  }

  /** A planned move begins to show: what nothing names may be missing from here on, or be told twice. */
  function moved(leg: number) {
    if (strength !== 'position')
      dropHeld(
        (one) => one.leg !== leg || !(one.frame.opening || (end === 'fence' && nameOf(one.topic, one.frame) === null)),
      )
    for (const topic of topics.values()) if (topic.nameless) gap({ topic: topic.name, epoch: ours, ...UNBOUNDED })
  }

  function join(topic: Topic, stream: string, then?: () => void) {
    topic.joined.add(stream)
    flush((one) => one.topic === topic && (one.frame.stream ?? '') === stream)
    then?.()
  }

  function requests(of: Iterable<Topic> = topics.values()): TopicRequests {
    return new Map([...of].map(({ name, position }) => [name, strength === 'position' ? position : null]))
  }

  function dropHeld(keep: (one: Held) => boolean) {
    held = held.filter(keep)
    bytes = held.reduce((sum, one) => sum + one.bytes, 0)
    if (held.length === 0) quiet()
  }

  return {
    subscribe(name: string, request: TopicRequest) {
      // Such a server keeps nothing that could be asked for by its number.
      const from = request && 'epoch' in request ? request : null
      const known = topics.get(name)
      if (known) {
        if (from && strength === 'position') known.position = from
        else return
      } else
        topics.set(name, { name, position: strength === 'position' ? from : null, joined: new Set(), nameless: false })
      if (active !== null) handlers.subscribe(active, id(), new Map([[name, from]]))
    },
    unsubscribe(name: string) {
      const topic = topics.get(name)
      if (!topic) return
      topics.delete(name)
      carried.delete(name)
      dropHeld((one) => one.topic !== topic)
      for (const leg of [active, old]) if (leg !== null) handlers.unsubscribe(leg, [name])
    },
    hello(leg: number): TopicRequests {
      hellos.set(leg, new Set(topics.keys()))
      if (strength === 'identity') recent.begin(leg)
      return requests()
    },
    ready(leg: number, _answers: TopicAnswers, _refused: ReadonlySet<string>) {
      const asked = hellos.get(leg)
      hellos.delete(leg)
      if (leg === active) return
      if (old !== null) release()
      old = active
      active = leg
      carried = new Set(old === null ? [] : asked)
      const missing = [...topics.values()].filter(({ name }) => !asked?.has(name))
      if (missing.length > 0) handlers.subscribe(leg, id(), requests(missing))
      const unwanted = [...(asked ?? [])].filter((name) => !topics.has(name))
      if (unwanted.length > 0) handlers.unsubscribe(leg, unwanted)
      if (old === null) return release()
      moved(leg)
      if (strength === 'none' && leastOverlap === 0) return
      if (strength === 'position') proceed()
      else if (matches)
        for (const one of [...held])
          if (one.leg === leg && recent.repeats(leg, nameOf(one.topic, one.frame) ?? ''))
            join(one.topic, one.frame.stream ?? '')
      if (held.length > 0 && (strength === 'position' || end === 'match')) wait()
      if (old !== null) leave(old)
    },
    subscribed(_leg: number, _id: string | undefined, _topics: TopicAnswers) {},
    /** The next leg is asked again: a new server may think otherwise. */
    refused(_leg: number, _name: string, _retry: boolean) {},
    message(leg: number, frame: MessageFrame) {
      const topic = topics.get(frame.topic)
      if (!topic) return
      // An answer to what one leg alone was asked has no double and no place in a sequence.
      if (frame.alone) return deliver(topic, leg, frame, (topic.position?.offset ?? 0) + 1, ours)
      // Nor has what a leg begins with, which is worth something only where no other leg has gone on meanwhile.
      const stale = leg === old || (leg === active && carried.has(frame.topic))
      if (frame.opening && stale && strength !== 'position') return
      if (leg !== active && leg !== old) {
        // Servers may speak before they say that a leg is ready. Where nothing else serves there is nothing to wait
        // for.
        if (!hellos.has(leg)) return
        if (active !== null) return hold(topic, leg, frame)
        const early = held.filter((one) => one.leg === leg)
        dropHeld((one) => one.leg !== leg)
        for (const one of early) take(one.topic, leg, one.frame)
        take(topic, leg, frame)
      } else if (strength === 'position') byPosition(topic, leg, frame)
      else if (strength === 'identity' && !frame.opening) byIdentity(topic, leg, frame)
      else if (leg === active) take(topic, leg, frame)
    },
    /** Everything that the old leg's server had to say has arrived. */
    drained(leg: number) {
      if (leg !== old || (strength === 'identity' && end === 'match')) return
      ended = true
      // By position a missing number may still be on its way on the new leg: the wait for it has begun.
      if (strength !== 'position' || held.length === 0) release()
    },
    gone(leg: number) {
      hellos.delete(leg)
      recent.end(leg)
      if (leg === old) return release()
      // The old leg serves again, and brings itself, in its own order, what was held for its sake.
      dropHeld((one) => one.leg !== leg)
      if (leg !== active) return
      active = old
      carried = new Set(topics.keys())
      release()
      if (active !== null && leaves) handlers.subscribe(active, id(), requests())
    },
    caughtUp: () => active !== null && (old === null || (strength === 'none' && leastOverlap === 0)),
    position: (name: string) => topics.get(name)?.position ?? null,
    get held() {
      return { messages: held.length, bytes }
    },
    stats: () => ({ ...counts }),
    stop() {
      topics.clear()
      dropHeld(() => false)
      active = null
      old = null
    },
  }
}

export type ForeignMerge = ReturnType<typeof createForeignMerge>

/** The offset that comes before whatever the frame brings: a head brings nothing itself. */
function lastBefore({ head, offset, prev }: MessageFrame): number {
  return head ? offset : prev
}

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
