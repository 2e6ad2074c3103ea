import { createForeignMerge, type ForeignMergeDeps } from '../../src/foreign/foreign-merge.js'
import type { MessageFrame } from '../../src/protocol/frames.js'
import { seededRandom } from '../kit/seeded-random.js'
import { createStepClock } from '../kit/step-clock.js'

/** ms. No two ways of a message differ by as much: what is held for longer is held for nothing. */
const GAP_TIMEOUT = 250
/** ms for which both legs live where nothing marks the end. */
const OVERLAP_LIMIT = 1_000
/** ms for which messages are published. */
const LASTS = 1_500

interface Published {
  readonly origin: number
  readonly topic: string
  readonly stream: string | undefined
  /** Its place among those of its origin, and by position its number in the topic. */
  readonly place: number
  readonly name: string | null
  readonly at: number
}

interface Leg {
  readonly number: number
  /** What its server was asked for. */
  readonly topics: Set<string>
  serves: boolean
  /** What its server has heard, as of the dial. */
  readonly heard: Published[]
  ready: boolean
  dead: boolean
  /** ms between its server and the client. */
  readonly path: number
  /** ms after which its server hears of what an origin publishes. */
  readonly lags: readonly number[]
}

/**
 * A foreign merge in a world of its own: origins that publish each in its order, servers that hear of each after a time
 * of their own, or never of one, and legs that begin, speak before they are ready, are left and break at any moment.
 *
 * Says what was wrong, a sentence each, and how many messages were delivered and held.
 */
export function playForeignMerge(seed: number, deps: Partial<ForeignMergeDeps>) {
  return new World(seed, deps).play()
}

class World {
  readonly #random
  readonly #clock = createStepClock({ frames: false })
  readonly #merge
  readonly #numbered: boolean
  readonly #matches: boolean
  readonly #most: number
  readonly #legs: Leg[] = []
  /** Topics that the application wants, and the first leg that was asked since it does. */
  readonly #wanted = new Map<string, number>()
  readonly #brought = new Map<Published, number>()
  readonly #told = new Map<Published | string, number>()
  readonly #excused = new Set<Published>()
  readonly #last = new Map<string, number>()
  readonly #places = new Map<string, number>()
  /** A topic that is asked for on one leg may begin on the next one before: none is dialled until then. */
  #settledAt = 0
  #over = false
  #timers = 0
  #delivered = 0
  readonly #wrong: string[] = []

  constructor(seed: number, deps: Partial<ForeignMergeDeps>) {
    this.#random = seededRandom(seed)
    this.#numbered = deps.strength === 'position'
    this.#matches = deps.end === 'match'
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
        deliver: (data) => this.#deliver(data as Published),
        // Over the bound nobody can tell what the old leg had still to bring.
        gap: ({ topic, from }) => from === null && this.#excuse((one) => one.topic === topic),
        subscribe: (leg, _id, topics) => this.#ask(leg, (of) => [...topics.keys()].forEach((name) => of.add(name))),
        unsubscribe: (leg, topics) => this.#ask(leg, (of) => topics.forEach((name) => of.delete(name))),
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
    for (const topic of ['t', 'u']) this.#subscribe(topic)
    this.#dial()
    const origins = this.#numbered ? 1 : 1 + this.#upTo(3)
    for (let origin = 0; origin < origins; origin++)
      for (let time = this.#upTo(20); time < LASTS; time += 1 + this.#upTo(40))
        this.#at(time, () => this.#publish(origin))
    const some = (most: number, task: () => void) => {
      for (let times = this.#upTo(most + 1); times > 0; times--) this.#at(100 + this.#upTo(LASTS - 100), task)
    }
    some(5, () => this.#dial())
    if (this.#chance(0.4)) some(3, () => this.#break())
    if (this.#chance(0.4)) some(2, () => this.#changeMind())
    if (this.#chance(0.1)) some(1, () => this.#stop())
    this.#clock.advance(LASTS + 3 * OVERLAP_LIMIT)
    this.#judge()
    return { wrong: this.#wrong, delivered: this.#delivered, held: this.#merge.stats().held }
  }

  // What happens.

  #publish(origin: number) {
    const topic = this.#chance(0.7) ? 't' : 'u'
    const stream = this.#numbered || this.#chance(0.6) ? undefined : 's'
    const key = this.#numbered ? topic : `${origin}`
    const place = (this.#places.get(key) ?? 0) + 1
    this.#places.set(key, place)
    const name = !this.#numbered && this.#chance(0.1) ? null : `${origin} ${place}`
    const one: Published = { origin, topic, stream, place, name, at: this.#clock.monotonic() }
    // A number that is nobody's business here is on no leg.
    if (this.#numbered && this.#chance(0.03)) return
    for (const leg of this.#alive)
      this.#at(leg.lags[origin]!, () => {
        leg.heard.push(one)
        if (leg.serves) this.#send(leg, one)
      })
  }

  #send(leg: Leg, one: Published) {
    if (leg.topics.has(one.topic)) this.#at(leg.path, () => this.#bring(leg, one))
  }

  #bring(leg: Leg, one: Published) {
    if (leg.dead) return
    const asked = (this.#wanted.get(one.topic) ?? Infinity) <= leg.number
    if (asked && !this.#brought.has(one)) this.#brought.set(one, this.#clock.monotonic())
    const { topic, name, stream, place } = one
    const [offset, prev] = this.#numbered ? [place, place - 1] : [1, 0]
    const frame: MessageFrame = { type: 'message', topic, offset, prev, data: one, hasData: true, identity: name }
    this.#merge.message(leg.number, stream === undefined ? frame : { ...frame, stream })
    this.#look()
  }

  /** @param again nothing serves: the server sends once more what it told last. */
  #dial(again = false) {
    if (this.#over || this.#early || this.#old || this.#clock.monotonic() < this.#settledAt) {
      if (again && !this.#over) this.#at(50, () => this.#dial(true))
      return
    }
    const lag = () => (this.#numbered ? this.#upTo(20) : this.#chance(0.05) ? Infinity : this.#upTo(100))
    const leg: Leg = {
      number: this.#legs.length + 1,
      topics: new Set(),
      serves: false,
      heard: [],
      ready: false,
      dead: false,
      path: 1 + this.#upTo(60),
      lags: [lag(), lag(), lag()],
    }
    this.#legs.push(leg)
    const asked = this.#merge.hello(leg.number)
    // Where the end is not told, the beginning may come after the answer; else it comes before.
    const begins = leg.path + this.#upTo(20)
    const answers = Math.max(leg.path, begins + (this.#matches ? -this.#upTo(20) : this.#upTo(40)))
    this.#at(begins, () => {
      leg.serves = true
      for (const topic of asked.keys()) leg.topics.add(topic)
      if (again) for (const one of leg.heard.slice(-10)) if (one.name !== null) this.#send(leg, one)
    })
    this.#at(answers + leg.path, () => this.#ready(leg))
  }

  #ready(leg: Leg) {
    if (leg.dead) return
    leg.ready = true
    this.#merge.ready(leg.number, new Map(), new Set())
    const old = this.#old
    if (old && this.#matches) this.#at(OVERLAP_LIMIT, () => old === this.#old && this.#die(old))
    this.#look()
  }

  #leave(number: number) {
    const leg = this.#legs[number - 1]!
    if (leg !== this.#old) this.#fail(`leg ${number} is to be left, and is not the old one`)
    this.#at(2 * leg.path, () => {
      if (leg.dead) return
      this.#merge.drained(number)
      this.#look()
    })
  }

  #ask(number: number, change: (topics: Set<string>) => void) {
    const leg = this.#legs[number - 1]!
    if (leg.dead) this.#fail(`leg ${number} is asked, and is gone`)
    this.#at(leg.path, () => change(leg.topics))
  }

  #break() {
    const alive = this.#alive
    if (alive.length > 0) this.#die(alive[this.#upTo(alive.length)]!)
    if (this.#alive.length === 0) this.#at(50, () => this.#dial(true))
  }

  #die(leg: Leg) {
    if (leg.dead) return
    // What it alone had brought, and what waited for another leg, goes with it.
    if (leg !== this.#old) this.#excuse((one) => !this.#told.has(one))
    // The old leg is asked for what only that one was asked for.
    if (leg === this.#active && this.#old) this.#settledAt = this.#clock.monotonic() + 300
    leg.dead = true
    this.#merge.gone(leg.number)
    this.#look()
  }

  #subscribe(topic: string) {
    this.#wanted.set(topic, this.#active?.number ?? 0)
    this.#merge.subscribe(topic, null)
  }

  #changeMind() {
    if (this.#over || this.#early || !this.#wanted.has('u')) return
    this.#settledAt = this.#clock.monotonic() + 300
    this.#wanted.delete('u')
    this.#excuse((one) => one.topic === 'u')
    // Who wants it again is told from then on.
    if (this.#numbered) this.#last.clear()
    this.#merge.unsubscribe('u')
    this.#at(this.#upTo(100), () => this.#over || this.#subscribe('u'))
  }

  #stop() {
    this.#excuse(() => true)
    this.#wanted.clear()
    this.#merge.stop()
    if (this.#timers > 0) this.#fail(`${this.#timers} timers outlive the session`)
    for (const leg of this.#legs) leg.dead = true
    this.#over = true
  }

  // What is judged.

  #deliver(one: Published) {
    this.#delivered++
    if (!this.#wanted.has(one.topic)) this.#fail(`${say(one)} is told, and nobody wants it`)
    this.#told.set(one, this.#clock.monotonic())
    // Of what nothing names nothing is promised.
    if (one.name === null) return
    const sequence = `${one.origin} ${one.topic} ${one.stream}`
    const before = this.#last.get(sequence) ?? 0
    if (one.place <= before) this.#fail(`${say(one)} is told after ${before}`)
    this.#last.set(sequence, Math.max(before, one.place))
  }

  #look() {
    const { messages } = this.#merge.held
    if (messages > this.#most + 1) this.#fail(`${messages} are held`)
    const old = this.#old
    if (old && this.#merge.caughtUp()) this.#die(old)
  }

  #judge() {
    for (const [one, at] of this.#brought) {
      if (this.#excused.has(one) || one.name === null) continue
      const told = this.#told.get(one)
      if (told === undefined) this.#fail(`${say(one)} is lost`)
      else if ((this.#matches || this.#numbered) && told - at > 2 * GAP_TIMEOUT)
        this.#fail(`${say(one)} was held for ${told - at} ms`)
    }
    const active = this.#active
    for (const topic of this.#wanted.keys())
      if (active && !active.topics.has(topic)) this.#fail(`${topic} is asked of nobody`)
    if (active && !this.#merge.caughtUp()) this.#fail('the overlap does not end')
    if (this.#merge.held.messages > 0) this.#fail(`${this.#merge.held.messages} are held for ever`)
    if (this.#timers > 0) this.#fail(`${this.#timers} timers are left`)
  }

  #excuse(which: (one: Published) => boolean) {
    for (const one of this.#brought.keys()) if (which(one)) this.#excused.add(one)
  }

  #fail(text: string) {
    this.#wrong.push(`after ${this.#clock.monotonic()} ms ${text}`)
  }

  // What there is.

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

  #at(delay: number, task: () => void) {
    if (delay < Infinity) this.#clock.setTimeout(task, delay)
  }

  /** The merge's own timers are counted. */
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

  #upTo(most: number) {
    return Math.floor(this.#random() * most)
  }

  #chance(of: number) {
    return this.#random() < of
  }
}

function say({ origin, place, topic, stream }: Published) {
  return `${'abc'[origin]}${place} of ${topic}${stream === undefined ? '' : ` ${stream}`}`
}
