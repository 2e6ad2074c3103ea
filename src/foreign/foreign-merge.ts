import type { Clock } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswers, TopicRequest, TopicRequests } from '../protocol/frames.js'
import { positionIn, reaches } from '../protocol/position.js'
import { ForeignDelivery, type ForeignMergeHandlers, type MergeStrength } from './foreign-delivery.js'
import {
  HeldMessages,
  inSequence,
  nameOf,
  sortByPosition,
  streamOf,
  type ForeignTopic,
  type HeldMessage,
} from './held-messages.js'

export interface ForeignMergeDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly strength: MergeStrength
  /**
   * What ends an overlap by identity. `fence`: a word of the server's or an answered ping. `match`: nothing does, for
   * servers that begin to serve a new leg at some moment of their own: both legs live for the whole overlap limit, and a
   * sequence goes over to the new one when the old one has not brought in `gapTimeout` what the new one has.
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

export function createForeignMerge(deps: ForeignMergeDeps, handlers: ForeignMergeHandlers): ForeignMerge {
  return new ForeignMerge(deps, handlers)
}

/**
 * Merges what a foreign server sends on two legs, which names neither heads nor answers.
 *
 * - `position`: every message is delivered once and in order, whichever leg brings it first; what is missing is one gap
 *   with its bounds.
 * - `identity`: the old leg has the say. What the new one brings is held until the old one has brought it or has no
 *   more: the same promise in a planned handover. That both have brought one message says nothing of the others: a
 *   sequence may be of several servers, which hear of each other late. Over a break, what the server does not send again
 *   is lost, and nobody can tell.
 * - `none`, and by `identity` what nothing names: what the active leg brings is delivered, and nothing is promised
 *   about the rest. A planned handover is told as a gap of unknown bounds in each topic that has had such messages.
 */
export class ForeignMerge {
  readonly #deps: ForeignMergeDeps
  readonly #handlers: ForeignMergeHandlers
  /** By position, and by identity. */
  readonly #numbered: boolean
  readonly #named: boolean
  /** Where an overlap by identity ends when both legs have brought the same. */
  readonly #toMatch: boolean
  readonly #topics = new Map<string, ForeignTopic>()
  /** What legs asked that are not ready yet. */
  readonly #hellos = new Map<number, ReadonlySet<string>>()
  readonly #delivery: ForeignDelivery
  readonly #held = new HeldMessages()
  #active: number | null = null
  #old: number | null = null
  /** Topics that the active leg goes on with where another one was: what it begins with there is no news. */
  #carried = new Set<string>()
  /** Nothing follows on the old leg. */
  #ended = false
  /** The wait for what the old leg may still bring, and for when it is asked whether there is more. */
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
    // Such a server keeps nothing that could be asked for by its number.
    const from = positionIn(request)
    const position = this.#numbered && from ? { ...from } : null
    const known = this.#topics.get(name)
    if (!known) this.#topics.set(name, { name, position, joined: new Set(), nameless: false })
    else if (position && !reaches(position, known.position)) known.position = position
    else return
    if (this.#active !== null) this.#handlers.subscribe(this.#active, this.#deps.id(), new Map([[name, from]]))
  }

  unsubscribe(name: string) {
    const topic = this.#topics.get(name)
    if (!topic) return
    this.#topics.delete(name)
    this.#carried.delete(name)
    this.#drop((one) => one.topic === topic)
    for (const leg of [this.#active, this.#old]) if (leg !== null) this.#handlers.unsubscribe(leg, [name])
  }

  hello(leg: number): TopicRequests {
    this.#hellos.set(leg, new Set(this.#topics.keys()))
    if (this.#named) this.#delivery.recent.begin(leg)
    return this.#requests()
  }

  ready(leg: number, _answers: TopicAnswers, _refused: ReadonlySet<string>) {
    const asked = this.#hellos.get(leg)
    this.#hellos.delete(leg)
    if (leg === this.#active) return
    if (this.#old !== null) this.#release()
    this.#old = this.#active
    this.#active = leg
    this.#carried = new Set(this.#old === null ? [] : asked)
    const missing = [...this.#topics.values()].filter(({ name }) => !asked?.has(name))
    if (missing.length > 0) this.#handlers.subscribe(leg, this.#deps.id(), this.#requests(missing))
    const unwanted = [...(asked ?? [])].filter((name) => !this.#topics.has(name))
    if (unwanted.length > 0) this.#handlers.unsubscribe(leg, unwanted)
    if (this.#old === null) return this.#release()
    this.#handoverBegins(leg)
  }

  subscribed(_leg: number, _id: string | undefined, _topics: TopicAnswers) {}

  /** The next leg is asked again: a new server may think otherwise. */
  refused() {}

  message(leg: number, frame: MessageFrame) {
    const topic = this.#topics.get(frame.topic)
    if (!topic) return
    // An answer to what one leg alone was asked has no double and no place in a sequence.
    if (frame.alone) return this.#delivery.deliverNext(topic, leg, frame)
    // Nor has what a leg begins with, which is worth something only where no other leg has gone on meanwhile.
    const stale = () => leg === this.#old || (leg === this.#active && this.#carried.has(frame.topic))
    if (frame.opening && !this.#numbered && stale()) return
    if (leg !== this.#active && leg !== this.#old) this.#early(topic, leg, frame)
    else if (this.#numbered) this.#byPosition(topic, leg, frame)
    else if (this.#named && !frame.opening) this.#byIdentity(topic, leg, frame)
    else if (leg === this.#active) this.#take(topic, leg, frame)
  }

  /** Everything that the old leg's server had to say has arrived. */
  drained(leg: number) {
    if (leg !== this.#old || (this.#named && this.#toMatch)) return
    this.#ended = true
    // By position a missing number may still be on its way on the new leg: the wait for it has begun.
    if (!this.#numbered || this.#held.all.length === 0) this.#release()
  }

  gone(leg: number) {
    this.#hellos.delete(leg)
    this.#delivery.recent.end(leg)
    if (leg === this.#old) return this.#release()
    // The old leg serves again, and brings itself, in its own order, what was held for its sake.
    this.#drop((one) => one.leg === leg)
    if (leg !== this.#active) return
    this.#active = this.#old
    this.#carried = new Set(this.#topics.keys())
    this.#release()
    if (this.#active !== null && this.#deps.leaves)
      this.#handlers.subscribe(this.#active, this.#deps.id(), this.#requests())
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
    this.#drop(() => true)
    this.#active = null
    this.#old = null
  }

  #requests(of: Iterable<ForeignTopic> = this.#topics.values()): TopicRequests {
    return new Map([...of].map(({ name, position }) => [name, this.#numbered ? placeOf(position) : null]))
  }

  /** Servers may speak before they say that a leg is ready. Where nothing else serves there is nothing to wait for. */
  #early(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    if (!this.#hellos.has(leg)) return
    if (this.#active !== null) return this.#wait(topic, leg, frame)
    for (const one of this.#drop((other) => other.leg === leg)) this.#take(one.topic, leg, one.frame)
    this.#take(topic, leg, frame)
  }

  #byPosition(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    if (this.#old !== null && !inSequence(topic, frame, this.#delivery.epoch)) return this.#hold(topic, leg, frame)
    this.#take(topic, leg, frame)
    if (this.#held.all.length > 0) this.#proceed()
  }

  #byIdentity(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const name = nameOf(topic, frame)
    if (name === null) return this.#nameless(topic, leg, frame)
    if (this.#old !== null && leg !== this.#old && !topic.joined.has(streamOf(frame)))
      return this.#wait(topic, leg, frame)
    this.#take(topic, leg, frame)
    this.#letGo(leg, name)
  }

  /** Until its leg has the say, or another one has brought it. */
  #wait(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const name = this.#named && !frame.opening ? nameOf(topic, frame) : null
    if (name !== null && this.#delivery.recent.repeats(leg, name)) this.#take(topic, leg, frame)
    else this.#hold(topic, leg, frame)
  }

  /** Another leg has brought what is held: it is a repeat. */
  #letGo(leg: number, name: string) {
    const one = this.#held.firstOf(name)
    if (!one || one.leg === leg) return
    const waitedLongest = this.#held.all[0] === one
    this.#drop((other) => other === one)
    this.#take(one.topic, one.leg, one.frame)
    if (!waitedLongest || this.#held.all.length === 0) return
    this.#quiet()
    this.#waitUnlessFenced()
  }

  /**
   * Nothing tells it from another one, so one leg has the say: the active one, or in `match` the one that goes on with
   * its sequence.
   */
  #nameless(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const saying = !this.#toMatch || this.#old === null || topic.joined.has(streamOf(frame)) ? this.#active : this.#old
    if (leg === saying) this.#take(topic, leg, frame)
    else if (leg !== this.#old && this.#toMatch) this.#hold(topic, leg, frame)
  }

  #take(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    this.#delivery.take(topic, leg, frame, leg === this.#active)
  }

  #hold(topic: ForeignTopic, leg: number, frame: MessageFrame) {
    const { maxMessages, maxBytes } = this.#deps
    const held = this.#held
    held.add(topic, leg, frame)
    this.#delivery.counts.held++
    if (held.all.length <= maxMessages && held.bytes <= maxBytes) {
      // By an identity and a fence the fence alone says when to go on.
      if (leg === this.#active || leg === this.#old) this.#waitUnlessFenced()
      return
    }
    if (this.#handlers.overflow()) return
    // The old leg is not waited for any longer. Whether it had more to bring, its numbers will tell, or nobody can.
    if (this.#named) for (const name of new Set(held.all.map((one) => one.topic.name))) this.#delivery.lost(name)
    this.#release()
  }

  #waitUnlessFenced() {
    if (!this.#numbered && !this.#toMatch) return
    this.#stopWaiting ??= this.#deps.clock.setTimeout(() => {
      this.#stopWaiting = null
      if (this.#ended || this.#old === null) return this.#release()
      for (const { topic, frame } of this.#held.all) topic.joined.add(streamOf(frame))
      this.#flush(() => true)
    }, this.#deps.gapTimeout)
  }

  /** Delivers what is held and `chosen`, in order. */
  #flush(chosen: (one: HeldMessage) => boolean) {
    // What a leg brings before it is ready waits until it is.
    const waiting = this.#held.take((one) => !this.#hellos.has(one.leg) && chosen(one))
    if (waiting.length === 0) return
    if (this.#numbered) sortByPosition(waiting, this.#delivery.epoch)
    for (const { topic, leg, frame } of waiting)
      if (this.#topics.get(topic.name) === topic) this.#take(topic, leg, frame)
    this.#quietWhereNothingIsHeld()
  }

  #drop(chosen: (one: HeldMessage) => boolean): HeldMessage[] {
    const dropped = this.#held.take(chosen)
    this.#quietWhereNothingIsHeld()
    return dropped
  }

  #quietWhereNothingIsHeld() {
    if (this.#held.all.length === 0) this.#quiet()
  }

  #quiet() {
    this.#stopWaiting?.()
    this.#stopWaiting = null
  }

  /** What a message has made ready goes out: by position whatever is in sequence now. */
  #proceed() {
    for (
      let next: HeldMessage | undefined;
      (next = this.#held.all.find(
        (one) => !this.#hellos.has(one.leg) && inSequence(one.topic, one.frame, this.#delivery.epoch),
      ));
    ) {
      const one = next
      this.#flush((other) => other === one)
    }
    if (this.#ended && this.#held.all.length === 0) this.#release()
  }

  /** A planned handover begins to show: what nothing names may be missing from here on, or be told twice. */
  #handoverBegins(leg: number) {
    const { leastOverlap } = this.#deps
    if (!this.#numbered)
      this.#drop(
        (one) => one.leg === leg && (one.frame.opening || (!this.#toMatch && nameOf(one.topic, one.frame) === null)),
      )
    for (const topic of this.#topics.values()) if (topic.nameless) this.#delivery.lost(topic.name)
    if (!this.#numbered && !this.#named && !leastOverlap) return
    if (this.#numbered) this.#proceed()
    if (this.#held.all.length > 0) this.#waitUnlessFenced()
    if (this.#old !== null) this.#leave(this.#old)
  }

  #leave(leg: number) {
    const { clock, leastOverlap } = this.#deps
    const leave = () => void this.#handlers.send(leg, { type: 'leave' })
    if (!leastOverlap) return leave()
    this.#stopStaying = clock.setTimeout(() => {
      this.#stopStaying = null
      leave()
    }, leastOverlap)
  }

  /** The old leg has no say any more. */
  #release() {
    this.#old = null
    this.#stopStaying?.()
    this.#stopStaying = null
    this.#ended = false
    this.#quiet()
    for (const topic of this.#topics.values()) topic.joined.clear()
    this.#flush(() => true)
  }
}

function placeOf(position: Position | null | undefined): Position | null {
  return position ? { ...position } : null
}
