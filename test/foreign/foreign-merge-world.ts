import { createForeignMerge, type ForeignMergeDeps } from '../../src/foreign/foreign-merge.js'
import type { MessageFrame } from '../../src/protocol/frames.js'
import { seededRandom } from '../kit/seeded-random.js'
import { createStepClock } from '../kit/step-clock.js'
import { ForeignMergeJudge, type Published } from './foreign-merge-judge.js'

/** ms. Two ways of a message never differ by this much, so holding a message for longer is useless. */
const GAP_TIMEOUT = 250
/** ms for which both legs live if nothing marks the end of an overlap. */
const OVERLAP_LIMIT = 1_000
/** ms for which messages are published. */
const LASTS = 1_500

interface Leg {
  readonly number: number
  /** The topics that its server was asked for. */
  readonly topics: Set<string>
  /** The messages that its server knows, counted from the dial. */
  readonly heard: Published[]
  serves: boolean
  ready: boolean
  dead: boolean
  /** ms from its server to the client. */
  readonly path: number
  /** By origin: ms after which its server learns of what that origin publishes. */
  readonly lags: readonly number[]
}

/**
 * A foreign merge in a random world. Origins publish, each in its own order. Servers learn of each message after their
 * own delay, or never learn of one. Legs begin, speak before they are ready, are left and break at any moment.
 *
 * Returns a sentence for each fault, and how many messages were delivered and held.
 */
export function playForeignMerge(seed: number, deps: Partial<ForeignMergeDeps>) {
  return new World(seed, deps).play()
}

class World {
  readonly #random
  readonly #clock = createStepClock()
  readonly #judge
  readonly #merge
  readonly #numbered: boolean
  readonly #matches: boolean
  readonly #most: number
  readonly #legs: Leg[] = []
  readonly #published: Published[] = []
  readonly #places = new Map<string, number>()
  #wantsU = true
  #over = false
  #timers = 0

  constructor(seed: number, deps: Partial<ForeignMergeDeps>) {
    this.#random = seededRandom(seed)
    this.#numbered = deps.strength === 'position'
    this.#matches = deps.end === 'match'
    this.#judge = new ForeignMergeJudge(() => this.#clock.monotonic(), GAP_TIMEOUT, this.#numbered)
    this.#most = this.#chance(0.2) ? 3 : 1_000
    this.#merge = createForeignMerge(
      {
        clock: { ...this.#clock, setTimeout: (task, delay) => this.#watched(task, delay) },
        id: () => 'id',
        strength: 'identity',
        end: 'fence',
        gapTimeout: GAP_TIMEOUT,
        maxMessages: this.#most,
        maxBytes: 1_000_000,
        ...deps,
      },
      {
        deliver: (data) => this.#tell(data as Published),
        // Beyond the bound nobody can tell what the old leg would still have brought.
        gap: ({ topic, from }) => {
          if (from !== null) return
          this.#judge.excuse((one) => one.topic === topic)
          this.#judge.givenUp(topic)
        },
        subscribe: (leg, _id, topics) => {
          // The old leg has begun with these topics.
          if (!this.#old) for (const topic of topics.keys()) this.#judge.wants(topic, leg)
          this.#ask(leg, [...topics.keys()], (of, name) => of.add(name))
        },
        unsubscribe: (leg, topics) => this.#ask(leg, topics, (of, name) => of.delete(name)),
        send: (leg) => this.#leave(leg),
        overflow: () => {
          const early = this.#early
          if (early) this.#die(early)
          return early !== undefined
        },
      },
    )
  }

  play() {
    for (const topic of ['t', 'u']) this.#want(topic)
    this.#dial()
    const origins = this.#numbered ? 1 : 1 + this.#upTo(3)
    for (let origin = 0; origin < origins; origin++)
      for (let at = this.#upTo(20); at < LASTS; at += 1 + this.#upTo(40)) this.#at(at, () => this.#publish(origin))
    const some = (most: number, task: () => void) => {
      for (let times = this.#upTo(most + 1); times > 0; times--) this.#at(100 + this.#upTo(LASTS - 100), task)
    }
    some(5, () => this.#dial())
    if (this.#chance(0.4)) some(3, () => this.#break())
    if (this.#chance(0.4)) some(2, () => this.#changeMind())
    if (this.#chance(0.1)) some(1, () => this.#signOut())
    this.#clock.advance(LASTS + 3 * OVERLAP_LIMIT)
    this.#end()
    return { wrong: this.#judge.wrong, delivered: this.#judge.delivered, held: this.#merge.stats().held }
  }

  #publish(origin: number) {
    const topic = this.#chance(0.7) ? 't' : 'u'
    const stream = this.#numbered || this.#chance(0.6) ? undefined : 's'
    const key = this.#numbered ? topic : `${origin}`
    const place = (this.#places.get(key) ?? 0) + 1
    this.#places.set(key, place)
    const name = !this.#numbered && this.#chance(0.1) ? null : `${origin} ${place}`
    const often = !this.#numbered && name !== null && this.#chance(0.1)
    const one: Published = { origin, topic, stream, place, name, times: often ? 2 : 1, at: this.#clock.monotonic() }
    // Some numbers belong to messages that no leg ever brings.
    if (this.#numbered && this.#chance(0.03)) return
    this.#published.push(one)
    for (const leg of this.#alive) this.#hear(leg, one)
  }

  /** The leg's server learns of the message later, or has learned of it by the time of the dial. */
  #hear(leg: Leg, one: Published) {
    const left = one.at + leg.lags[one.origin]! - this.#clock.monotonic()
    if (left <= 0) leg.heard.push(one)
    else
      this.#at(left, () => {
        leg.heard.push(one)
        if (leg.serves) this.#send(leg, one)
      })
  }

  #send(leg: Leg, one: Published) {
    if (!leg.topics.has(one.topic)) return
    for (let times = one.times; times > 0; times--) this.#at(leg.path, () => this.#bring(leg, one))
  }

  #bring(leg: Leg, one: Published) {
    if (leg.dead) return
    const { topic, name, stream, place, begins } = one
    if (begins === undefined) this.#judge.brought(leg.number, one)
    const [offset, prev] = this.#numbered ? [place, place - 1] : [1, 0]
    const frame: MessageFrame = { type: 'message', topic, offset, prev, data: one, hasData: true, identity: name }
    const more = { ...(stream !== undefined && { stream }), ...(begins !== undefined && { opening: true }) }
    this.#merge.message(leg.number, { ...frame, ...more })
    this.#look()
  }

  #tell(one: Published) {
    this.#judge.told(one)
    // A handler may do anything.
    if (this.#chance(0.001)) this.#changeMind()
    if (this.#chance(0.0005)) this.#signOut()
  }

  /** @param again nothing serves, so the server repeats what it sent last. */
  #dial(again = false) {
    if (this.#over || this.#early || this.#old) {
      // The last overlap needs time to end.
      if (again && !this.#over && this.#clock.monotonic() < LASTS) this.#at(50, () => this.#dial(true))
      return
    }
    const lag = () => (this.#numbered ? this.#upTo(20) : this.#chance(0.05) ? Infinity : this.#upTo(100))
    const leg: Leg = {
      number: this.#legs.length + 1,
      topics: new Set(),
      heard: [],
      serves: false,
      ready: false,
      dead: false,
      path: 1 + this.#upTo(60),
      lags: [lag(), lag(), lag()],
    }
    this.#legs.push(leg)
    for (const one of this.#published) this.#hear(leg, one)
    const asked = this.#merge.hello(leg.number)
    const dialled = this.#clock.monotonic()
    again &&= this.#alive.length === 1
    // A page that is opened again unsubscribes, and subscribes anew.
    if (this.#chance(0.1)) this.#at(this.#upTo(100), () => this.#changeMind())
    // If the end is not marked, a leg may begin after its answer; otherwise it begins before.
    const begins = leg.path + this.#upTo(20)
    const answers = Math.max(leg.path, begins + (this.#matches ? -this.#upTo(20) : this.#upTo(40)))
    this.#at(begins, () => this.#begin(leg, [...asked.keys()], dialled, again))
    this.#at(answers + leg.path, () => this.#ready(leg))
  }

  #begin(leg: Leg, asked: readonly string[], dialled: number, again: boolean) {
    leg.serves = true
    for (const topic of asked) {
      leg.topics.add(topic)
      const how = { origin: 0, stream: undefined, place: 0, name: null, times: 1, at: 0 }
      if (!this.#numbered) this.#send(leg, { ...how, topic, begins: leg.number })
    }
    if (!again) return
    const late = leg.heard.filter((one) => one.name !== null && (one.at >= dialled || this.#judge.wasTold(one)))
    for (const one of late.slice(-10)) this.#send(leg, one)
  }

  #ready(leg: Leg) {
    if (leg.dead) return
    leg.ready = true
    this.#merge.ready(leg.number, new Map(), new Set())
    const old = this.#old
    if (!old) this.#judge.begins(leg.number)
    if (old && this.#matches) this.#at(OVERLAP_LIMIT, () => old === this.#old && this.#die(old))
    this.#look()
  }

  #leave(number: number) {
    const leg = this.#legs[number - 1]!
    if (leg !== this.#old) this.#judge.fail(`leg ${number} is to be left, and is not the old one`)
    this.#at(2 * leg.path, () => {
      if (leg.dead) return
      this.#merge.drained(number)
      this.#look()
    })
  }

  #ask(number: number, names: readonly string[], change: (topics: Set<string>, name: string) => void) {
    const leg = this.#legs[number - 1]!
    if (leg.dead) this.#judge.fail(`leg ${number} is asked, and is gone`)
    this.#at(leg.path, () => names.forEach((name) => change(leg.topics, name)))
  }

  #break() {
    const alive = this.#alive
    if (alive.length > 0) this.#die(alive[this.#upTo(alive.length)]!)
    if (this.#alive.length === 0) this.#at(50, () => this.#dial(true))
  }

  #die(leg: Leg) {
    if (leg.dead) return
    this.#judge.went(leg.number, leg === this.#old && !this.#merge.caughtUp() ? this.#active?.number : undefined)
    const old = leg === this.#old
    leg.dead = true
    if (!old) this.#judge.broke(this.#active !== undefined)
    this.#merge.gone(leg.number)
    this.#look()
  }

  #changeMind() {
    if (this.#over || !this.#wantsU) return
    this.#wantsU = false
    this.#judge.gaveUp('u')
    this.#merge.unsubscribe('u')
    this.#look()
    this.#at(this.#upTo(100), () => {
      this.#wantsU = true
      if (!this.#over) this.#want('u')
    })
  }

  #want(topic: string) {
    this.#judge.wants(topic, this.#active?.number ?? 0)
    this.#merge.subscribe(topic, null)
  }

  #signOut() {
    if (this.#over) return
    this.#over = true
    this.#judge.signedOut()
    this.#merge.stop()
    if (this.#timers > 0) this.#judge.fail(`${this.#timers} timers outlive the session`)
    for (const leg of this.#legs) leg.dead = true
  }

  #look() {
    const { messages } = this.#merge.held
    if (messages > this.#most + 1) this.#judge.fail(`${messages} are held`)
    const old = this.#old
    if (old && this.#merge.caughtUp()) this.#die(old)
  }

  #end() {
    const active = this.#active
    if (active) this.#judge.atLast(this.#matches || this.#numbered ? 2 * GAP_TIMEOUT : Infinity, active.topics)
    if (active && !this.#merge.caughtUp()) this.#judge.fail('the overlap does not end')
    if (this.#merge.held.messages > 0) this.#judge.fail(`${this.#merge.held.messages} are held for ever`)
    if (this.#timers > 0) this.#judge.fail(`${this.#timers} timers are left`)
  }

  get #alive() {
    return this.#legs.filter((leg) => !leg.dead)
  }

  get #active() {
    return this.#alive.filter((leg) => leg.ready).at(-1)
  }

  get #old() {
    return this.#alive.filter((leg) => leg.ready).at(-2)
  }

  get #early() {
    return this.#alive.find((leg) => !leg.ready)
  }

  readonly #at = (delay: number, task: () => void) => delay < Infinity && this.#clock.setTimeout(task, delay)

  /** Counts the timers of the merge. */
  #watched(task: () => void, delay: number) {
    let set = true
    const over = () => {
      if (set) this.#timers--
      set = false
    }
    this.#timers++
    const cancel = this.#clock.setTimeout(() => {
      over()
      task()
      this.#look()
    }, delay)
    return () => {
      over()
      cancel()
    }
  }

  readonly #upTo = (most: number) => Math.floor(this.#random() * most)
  readonly #chance = (of: number) => this.#random() < of
}
