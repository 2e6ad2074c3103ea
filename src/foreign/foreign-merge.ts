import type { MessageFrame, Position, TopicAnswers, TopicRequest, TopicRequests } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import { ForeignDelivery } from './foreign-delivery.js'
import type { ForeignMergeDeps, ForeignMergeHandlers } from './foreign-merge-contract.js'
import { createForeignTopic, inSequence, nameOf, streamOf, type ForeignTopic } from './foreign-topic.js'
import { HeldMessages, sortByPosition, type HeldMessage } from './held-messages.js'

export type { ForeignMergeDeps, ForeignMergeHandlers, MergeStrength } from './foreign-merge-contract.js'

export function createForeignMerge(deps: ForeignMergeDeps, handlers: ForeignMergeHandlers): ForeignMerge {
  return new ForeignMerge(deps, handlers)
}

/**
 * Merges what a foreign server sends on two legs. Such a server names neither heads nor answers.
 *
 * - `position`: every message is delivered once and in order, whichever leg brings it first. What is missing is one gap
 *   with its bounds.
 * - `identity`: the old leg is authoritative. What the new one brings is held until the old one has brought it or has
 *   no more. In a planned handover that gives the same promise. One message brought by both says nothing about the
 *   others: a sequence may come from several servers that learn of each other's messages late. Over a break, what the
 *   server does not send again is lost, and nobody can tell.
 * - `none`, and by `identity` messages without one: what the active leg brings is delivered, and nothing is promised
 *   about the rest. A planned handover is reported as a gap of unknown bounds in each topic that has had such messages.
 *
 * A topic subscribed after an overlap began belongs to the active leg alone: the old one is not asked for it. By
 * identity a topic begins with the leg that was asked for it first.
 *
 * Long because the turn of a message depends on everything kept here: the topics, the legs and the held messages.
 * `ForeignDelivery` does what follows.
 */
export class ForeignMerge {
  readonly #deps: ForeignMergeDeps
  readonly #handlers: ForeignMergeHandlers
  /** Messages are recognised by position, or by identity. */
  readonly #numbered: boolean
  readonly #named: boolean
  /** Nothing marks the end of an overlap by identity (`end: 'match'`). */
  readonly #toMatch: boolean
  readonly #topics = new Map<string, ForeignTopic>()
  /** The topics that each leg asked for in its hello, while the leg is not ready. */
  readonly #hellos = new Map<number, ReadonlySet<string>>()
  readonly #delivery: ForeignDelivery
  readonly #held = new HeldMessages()
  #active: number | null = null
  #old: number | null = null
  /** When a serving leg was last asked for a topic, monotonic ms. */
  #asked = 0
  /** Nothing more comes on the old leg. */
  #ended = false
  /**
   * Cancel the wait for what another leg may still bring, and the wait before the old leg is asked whether it has more.
   */
  #stopWaiting: (() => void) | null = null
  #stopStaying: (() => void) | null = null

  constructor(deps: ForeignMergeDeps, handlers: ForeignMergeHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#numbered = deps.strength === 'position'
    this.#named = deps.strength === 'identity'
    this.#toMatch = deps.end === 'match'
    this.#delivery = new ForeignDelivery(deps.strength, deps.id, handlers)
  }

  subscribe(name: string, request: TopicRequest) {
    // A foreign server cannot be asked for the last n messages, and for a position only if it numbers its messages.
    const from = request?.epoch === undefined ? null : request
    const position = this.#numbered && from ? { ...from } : null
    const known = this.#topics.get(name)
    const topic = known ?? createForeignTopic(name, position)
    if (!known) this.#topics.set(name, topic)
    else if (position && !reaches(position, known.position)) known.position = position
    else return
    if (this.#active === null) return
    this.#ask(this.#active, [topic])
    if (!known) this.#handlers.answered?.(name, null)
  }

  unsubscribe(name: string) {
    const topic = this.#topics.get(name)
    if (!topic) return
    this.#topics.delete(name)
    this.#drop((one) => one.topic === topic)
    for (const leg of [this.#active, this.#old]) if (leg !== null) this.#handlers.unsubscribe(leg, [name])
  }

  hello(leg: number): TopicRequests {
    this.#hellos.set(leg, new Set(this.#topics.keys()))
    if (this.#named) this.#delivery.recent.begin(leg)
    return this.#requests()
  }

  ready(leg: number, _answers: TopicAnswers, refused: { has(topic: string): boolean }) {
    const asked = this.#hellos.get(leg)
    this.#hellos.delete(leg)
    if (leg === this.#active) return
    if (this.#old !== null) this.#release()
    this.#old = this.#active
    this.#active = leg
    for (const topic of this.#topics.values()) topic.carried = this.#old !== null
    this.#ask(
      leg,
      [...this.#topics.values()].filter(({ name }) => !asked?.has(name)),
    )
    const unwanted = [...(asked ?? [])].filter((name) => !this.#topics.has(name))
    if (unwanted.length > 0) this.#handlers.unsubscribe(leg, unwanted)
    if (this.#old !== null) return this.#handoverBegins(leg)
    for (const name of this.#topics.keys()) if (!refused.has(name)) this.#handlers.answered?.(name, null)
    this.#release()
    this.#unsettle(this.#topics.values())
  }

  subscribed(_leg: number, _id: string | undefined, _topics: TopicAnswers) {}

  /** Nothing to remember: the next leg is asked for the topic again, since a new server may allow it. */
  refused() {}

  message(leg: number, frame: MessageFrame) {
    const topic = this.#topics.get(frame.topic)
    if (!topic) return
    // The answer to a request of one leg exists once and has no place in a sequence.
    if (frame.alone) return this.#delivery.deliverNext(topic, leg, frame)
    if (leg !== this.#active && leg !== this.#old) this.#early(topic, leg, frame)
    // The old leg was asked for the topic by an earlier subscription, and not by the present one.
    else if (leg === this.#old && !topic.carried) return
    else if (this.#numbered) this.#byPosition(topic, leg, frame)
    else if (frame.opening) this.#begins(topic, leg, frame)
    else if (this.#named) this.#byIdentity(topic, leg, frame)
    else if (leg === this.#active) this.#take(topic, leg, frame)
  }

  /** Everything that the old leg's server had to send has arrived. */
  drained(leg: number) {
    if (leg !== this.#old || (this.#named && this.#toMatch)) return
    this.#ended = true
    // By position a missing number may still arrive on the new leg, and the wait for it is already running.
    if (this.#numbered) this.#proceed()
    else this.#release()
  }

  gone(leg: number) {
    this.#hellos.delete(leg)
    this.#delivery.recent.end(leg)
    if (leg === this.#old) return this.#release()
    const served = leg === this.#active
    if (served) {
      this.#active = this.#old
      this.#old = null
      this.#ended = false
    }
    // What was held because of the old leg is dropped: that leg serves again and brings it itself, in its own order.
    this.#drop((one) => one.leg === leg)
    if (this.#active === null) for (const topic of this.#topics.values()) topic.begunBy = null
    if (!served) return
    const left = this.#deps.leaves && !this.#stopStaying
    if (this.#active !== null)
      this.#ask(
        this.#active,
        [...this.#topics.values()].filter(({ carried }) => left || !carried),
      )
    this.#release()
  }

  caughtUp(): boolean {
    return (
      this.#active !== null && (this.#old === null || (!this.#numbered && !this.#named && !this.#deps.leastOverlap))
    )
  }

  position(name: string): Position | null {
    return placeOf(this.#topics.get(name)?.position)
  }

  get held() {
    return { messages: this.#held.all.length, bytes: this.#held.bytes }
  }

  stats() {
    return { ...this.#delivery.counts }
  }

  stop() {
    this.#topics.clear()
    this.#hellos.clear()
    this.#drop(() => true)
    this.#active = null
    this.#release()
  }

  #requests(of: Iterable<ForeignTopic> = this.#topics.values()): TopicRequests {
    return new Map([...of].map(({ name, position }) => [name, this.#numbered ? placeOf(position) : null]))
  }

  /** Asks a serving leg for topics. The leg takes some time to begin with them. */
  #ask(leg: number, topics: readonly ForeignTopic[]) {
    if (topics.length === 0) return
    this.#unsettle(topics)
    this.#handlers.subscribe(leg, this.#deps.id(), this.#requests(topics))
  }

  #unsettle(topics: Iterable<ForeignTopic>) {
    this.#asked = this.#deps.clock.monotonic()
    for (const topic of topics)
      if (this.#old === null || !topic.carried) topic.settled = this.#asked + this.#deps.gapTimeout
  }

  /**
   * Servers may send messages before they say that a leg is ready. While no leg serves there is nothing to wait for.
   */
  #early(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    if (!this.#hellos.has(leg)) return
    if (this.#active !== null) return this.#wait(topic, leg, frame)
    this.#held.add(topic, leg, frame, 0)
    this.#tell(this.#drop((one) => one.leg === leg))
  }

  /**
   * An opening message has no counterpart on another leg and no place in a sequence. It is useful only if no other leg
   * has gone on with the topic meanwhile.
   */
  #begins(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const { begunBy } = topic
    if (begunBy === null || begunBy === leg || !topic.carried) this.#take(topic, leg, frame)
  }

  #byPosition(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    if (!this.#isNext(topic, leg, frame)) return this.#hold(topic, leg, frame)
    this.#take(topic, leg, frame)
    if (this.#held.all.length > 0) this.#proceed()
  }

  /** Whether, by position, the message waits for no earlier one that another leg may bring. */
  #isNext(topic: ForeignTopic, leg: number, frame: MessageFrame): boolean {
    if (this.#old === null) return true
    // While nothing of the topic has arrived, its first message is the old leg's.
    if (!topic.position) return leg === this.#old || this.#ended || !topic.carried
    return inSequence(topic.position, frame, this.#delivery.epoch)
  }

  #byIdentity(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const name = nameOf(topic, frame)
    if (name === null) return this.#nameless(topic, leg, frame)
    if (leg !== this.#old && !this.#goesOn(topic, frame)) return this.#wait(topic, leg, frame)
    this.#take(topic, leg, frame)
    this.#letGo(name)
  }

  /** Whether messages that the active leg brings of this sequence wait for no other leg. */
  #goesOn(topic: ForeignTopic, frame: MessageFrame): boolean {
    return this.#old === null || !topic.carried || topic.joined.has(streamOf(frame))
  }

  /**
   * Holds the message until its leg is authoritative or another leg brings the same one; counts it if one has already.
   */
  #wait(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const name = this.#named && !frame.opening ? nameOf(topic, frame) : null
    if (name === null || !this.#delivery.recent.repeats(leg, name)) return this.#hold(topic, leg, frame)
    if (this.#held.all.length > 0) this.#forgetBefore(topic, leg)
    this.#take(topic, leg, frame)
  }

  /**
   * Drops what `leg` brought before a repeat while the other leg may still have been beginning with the topic. It is
   * older than everything that the other leg has delivered, so it precedes the beginning of the topic.
   */
  #forgetBefore(topic: ForeignTopic, leg: number, repeat?: HeldMessage) {
    let before = true
    this.#drop((one) => {
      before &&= one !== repeat
      return one === repeat || (before && one.topic === topic && one.leg === leg && one.at < topic.settled)
    })
  }

  /** Held messages of this name may now repeat what another leg has brought: takes them out. */
  #letGo(name: string) {
    const { recent } = this.#delivery
    for (
      let one: HeldMessage | undefined;
      (one = this.#held.all.find((other) => other.name === name && recent.repeats(other.leg, name)));
    ) {
      this.#forgetBefore(one.topic, one.leg, one)
      this.#take(one.topic, one.leg, one.frame)
    }
  }

  /**
   * Nothing distinguishes this message from others, so only one leg is authoritative: the active one, or in `match` the
   * one that carries the sequence.
   */
  #nameless(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const saying = !this.#toMatch || this.#goesOn(topic, frame) ? this.#active : this.#old
    if (leg === saying) this.#take(topic, leg, frame)
    else if (leg !== this.#old && this.#toMatch) this.#hold(topic, leg, frame)
  }

  #take(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    this.#delivery.take(topic, leg, frame, leg === this.#active)
  }

  #hold(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const { clock, maxMessages, maxBytes } = this.#deps
    const held = this.#held
    held.add(topic, leg, frame, clock.monotonic())
    this.#delivery.counts.held++
    if (held.all.length <= maxMessages && held.bytes <= maxBytes) return this.#waitUnlessFenced()
    if (this.#handlers.overflow()) return
    // The old leg is not waited for any longer. By position its numbers will tell whether it had more; by identity
    // nobody can, so a gap is reported.
    if (this.#named) for (const name of new Set(held.all.map((one) => one.topic.name))) this.#delivery.lost(name)
    this.#release()
  }

  /** Starts the wait for what is missing. By identity with a fence there is no such wait: only the fence ends it. */
  #waitUnlessFenced() {
    const first = this.#firstHeld()
    if (!first || (!this.#numbered && !this.#toMatch)) return
    const { clock, gapTimeout } = this.#deps
    this.#stopWaiting ??= clock.setTimeout(
      () => {
        this.#stopWaiting = null
        this.#goOnWithout()
      },
      first.at + gapTimeout - clock.monotonic(),
    )
  }

  /** The first held message that matches. Those of a leg that is not ready wait until it is. */
  #firstHeld(which: (one: HeldMessage) => boolean = () => true): HeldMessage | undefined {
    return this.#held.all.find((one) => !this.#hellos.has(one.leg) && which(one))
  }

  /** Delivers without what is missing. Each message waits its own `gapTimeout`: what precedes it may take that long. */
  #goOnWithout() {
    const { clock, gapTimeout } = this.#deps
    for (
      let first: HeldMessage | undefined;
      (first = this.#firstHeld()) && first.at + gapTimeout <= clock.monotonic();
    ) {
      const { topic, frame } = first
      const stream = streamOf(frame)
      if (!this.#numbered) topic.joined.add(stream)
      const before = (other: MessageFrame) =>
        this.#numbered ? other.epoch !== frame.epoch || other.offset <= frame.offset : streamOf(other) === stream
      this.#flush((one) => one.topic === topic && before(one.frame))
      if (this.#numbered) this.#proceed()
    }
    this.#waitUnlessFenced()
  }

  /** Delivers the held messages that are `chosen`, in order. */
  #flush(chosen: (one: HeldMessage) => boolean) {
    const waiting = this.#held.take((one) => !this.#hellos.has(one.leg) && chosen(one))
    if (this.#numbered) sortByPosition(waiting, this.#delivery.epoch)
    this.#tell(waiting)
    this.#settle()
  }

  /** A handler may unsubscribe the topic of a later message, so each topic is looked up again. */
  #tell(waiting: readonly HeldMessage[]) {
    for (const { topic, leg, frame } of waiting)
      if (this.#topics.get(topic.name) === topic) this.#take(topic, leg, frame)
  }

  #drop(chosen: (one: HeldMessage) => boolean): HeldMessage[] {
    const dropped = this.#held.take(chosen)
    this.#settle()
    return dropped
  }

  /** While nothing is held there is nothing to wait for. */
  #settle() {
    if (this.#held.all.length > 0) return
    this.#stopWaiting?.()
    this.#stopWaiting = null
    if (this.#ended) this.#release()
  }

  /** Delivers the held messages that have become deliverable: by position, those that are in sequence now. */
  #proceed() {
    for (
      let next: HeldMessage | undefined;
      (next = this.#firstHeld((one) => this.#isNext(one.topic, one.leg, one.frame)));
    ) {
      const one = next
      this.#flush((other) => other === one)
    }
    this.#settle()
  }

  /**
   * Starts the overlap of a planned handover. From here on messages without an identity may be missing or come twice.
   */
  #handoverBegins(leg: number) {
    const { leastOverlap } = this.#deps
    if (!this.#numbered) {
      const early = this.#drop((one) => one.leg === leg && (one.frame.opening || (!this.#toMatch && one.name === null)))
      for (const { frame } of early) if (frame.opening) this.message(leg, frame)
    }
    for (const topic of this.#topics.values()) if (topic.nameless) this.#delivery.lost(topic.name)
    if (!this.#numbered && !this.#named && !leastOverlap) return
    if (this.#numbered) this.#proceed()
    this.#waitUnlessFenced()
    if (this.#old !== null) this.#leave(this.#old)
  }

  /**
   * Asks the old leg to leave, but not before both legs have begun with all topics and the old one has brought what the
   * new one had by then.
   */
  #leave(leg: number) {
    const { clock, leastOverlap = 0, gapTimeout } = this.#deps
    const leave = () => void this.#handlers.send(leg, { type: 'leave' })
    const stays = Math.max(leastOverlap, this.#asked + 2 * gapTimeout - clock.monotonic())
    if (stays <= 0) return leave()
    this.#stopStaying = clock.setTimeout(() => {
      this.#stopStaying = null
      leave()
    }, stays)
  }

  /** Ends the overlap: the old leg is not authoritative any more, and everything held is delivered. */
  #release() {
    this.#old = null
    this.#stopStaying?.()
    this.#stopStaying = null
    this.#ended = false
    for (const topic of this.#topics.values()) topic.joined.clear()
    this.#flush(() => true)
  }
}

function placeOf(position: Position | null | undefined): Position | null {
  return position ? { ...position } : null
}
