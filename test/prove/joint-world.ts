import { ALL_IS_WELL, type Move } from './choices.js'
import { beginFleet, type DoneByFleet, type ToldFleet } from './fleet-part.js'
import { Hasher, type Hash } from './hash.js'
import type { TopicRecord } from './judge.js'
import { LearnedJudge } from './learned-judge.js'
import { Legs, type Leg } from './legs.js'
import type { Machine } from './machine.js'
import { Numbered } from './numbered.js'
import { beginPage, type DoneByPage, type ShownPage, type Token, type ToldPage } from './page-part.js'
import { LearnedPart, type Step } from './part.js'
import { sideOf } from './sides.js'
import { stateHash } from './state-hash.js'
import type { CreateLiveSocket } from './tab.js'
import type { Item } from './wire.js'
import type { WorldOptions } from './world.js'

/** A state of the whole world. */
export interface Joint {
  readonly page: number
  readonly fleet: number
  readonly judge: number
  /** How many happenings of each actor are over. */
  readonly acted: readonly number[]
  /** How often time may still pass. */
  readonly haste: number
  readonly legs: readonly Leg[]
  /** How many tokens the page has asked for. */
  readonly asked: number
  /** Tokens that were given and have not arrived, by number. */
  readonly given: readonly number[]
  readonly broken: readonly string[]
}

/** What a page sends on a leg. */
type Up = { readonly kind: 'dial'; readonly url: string } | { readonly kind: 'text'; readonly text: string }

type Draft = { -readonly [Key in keyof Joint]: Joint[Key] }

/**
 * The same world as in world.ts, with both sides learned: a state consists of the state of each side, what is under way
 * between them, and the state of the judge. It uses the same tabs, servers, network and judge; only the steps of a side
 * are remembered, and not run again for every state of the other side.
 */
export class JointWorld {
  readonly #options: WorldOptions
  /** For each actor, its name after so many of its happenings. */
  readonly #names: readonly (readonly string[])[]
  readonly #page: LearnedPart<ToldPage, DoneByPage, ShownPage>
  readonly #fleet: LearnedPart<ToldFleet, DoneByFleet, TopicRecord>
  readonly #ups = new Numbered<Up>()
  readonly #downs = new Numbered<Item>()
  readonly #tokens = new Numbered<Token | null>()
  readonly #legs = new Legs()
  readonly #judges = new LearnedJudge()
  /** Learns the requested step, if it is not known. */
  #unknown: (() => Promise<unknown>) | null = null

  constructor(create: CreateLiveSocket, options: WorldOptions, machine: Machine) {
    if (!options.plain || !options.live || options.tabs !== 1) throw new Error('only plain worlds have parts')
    // The next moves of a side must not depend on the other side's happenings (visits.ts).
    if (options.actors.some((actor) => new Set(actor.map(sideOf)).size > 1)) throw new Error('an actor is of one side')
    this.#options = options
    this.#names = options.actors.map((actor) => actor.map((_, acted) => actor.slice(acted).join(' ')))
    this.#page = new LearnedPart(() => beginPage(create, options, machine), stateHash)
    this.#fleet = new LearnedPart(async () => beginFleet(options), stateHash)
  }

  /** The page is live, and nothing else has happened yet. */
  async begin(): Promise<Joint> {
    await this.#page.begin()
    await this.#fleet.begin()
    const draft: Draft = {
      page: 0,
      fleet: 0,
      judge: this.#judges.begin,
      acted: this.#options.actors.map(() => 0),
      haste: Infinity,
      legs: [],
      asked: 0,
      given: [],
      broken: [],
    }
    let state = await this.#learned(draft, (one) => this.#tellPage(one, 'sign-in', { kind: 'sign-in' }))
    while (state.broken.length === 0) {
      const [first] = this.#queues(state)
      if (!first && this.#page.shown(state.page).live) break
      state = await this.next(state, first ?? TIME)
    }
    return { ...state, haste: this.#options.haste ?? Infinity }
  }

  /** With the same names as in world.ts. */
  moves(state: Joint): Move[] {
    const queues = this.#queues(state)
    const left = this.#options.actors.flatMap((actor, at) => {
      const acted = state.acted[at]!
      return acted === actor.length ? [] : [{ name: this.#names[at]![acted]!, side: sideOf(actor[acted]!) }]
    })
    if (queues.length + left.length === 0) return [ALL_IS_WELL]
    const time = state.haste > 0 && this.#page.shown(state.page).waits ? [TIME] : []
    return [...queues, ...left, ...time]
  }

  next(state: Joint, move: Move): Joint | Promise<Joint> {
    const draft = { ...state }
    this.#unknown = null
    this.#make(draft, move)
    return this.#unknown ? this.#learned(state, (one) => this.#make(one, move)) : draft
  }

  /** Learns unknown steps and repeats the move until all of its steps are known. */
  async #learned(state: Joint, act: (draft: Draft) => void): Promise<Joint> {
    for (;;) {
      const draft = { ...state }
      this.#unknown = null
      act(draft)
      if (!this.#unknown) return draft
      await (this.#unknown as () => Promise<unknown>)()
    }
  }

  /** Equal for two states from which everything continues in the same way. */
  key({ page, fleet, judge, acted, haste, legs, asked, given }: Joint): Hash {
    const hasher = new Hasher()
    hasher.add(page)
    hasher.add(fleet)
    hasher.add(judge)
    for (const times of acted) hasher.add(times)
    hasher.add(haste === Infinity ? -1 : haste)
    hasher.add(asked)
    hasher.add(given.length)
    for (const token of given) hasher.add(token)
    for (const { number } of legs) hasher.add(number)
    return hasher.hash
  }

  mayBring({ asked, given, legs }: Joint): boolean {
    if (asked > 0 && given.length === 0) return true
    return legs.some(
      ({ closed, down, served, done, up }) => !closed && down.length === 0 && ((served && !done) || up.length > 0),
    )
  }

  #queues({ asked, given, legs }: Joint): Move[] {
    const queues: Move[] = []
    if (asked > 0) queues.push(ASKED)
    if (given.length > 0) queues.push(GIVEN)
    for (const { leg, up, down } of legs) {
      if (up.length > 0) queues.push({ name: `${leg}↑`, side: 'servers' })
      if (down.length > 0) queues.push({ name: `${leg}↓`, side: 'page' })
    }
    return queues
  }

  #make(draft: Draft, { name }: Move) {
    if (name === TIME.name) {
      draft.haste--
      this.#tellPage(draft, name, { kind: 'time' })
    } else if (name === ASKED.name) {
      draft.asked--
      this.#tellFleet(draft, name, { kind: 'ask' })
    } else if (name === GIVEN.name) {
      const [token, ...given] = draft.given
      draft.given = given
      this.#tellPage(draft, `${name}${token}`, { kind: 'token', token: this.#tokens.at(token!) })
    } else if (name.endsWith('↑')) this.#arriveUp(draft, Number.parseInt(name, 10))
    else if (name.endsWith('↓')) this.#arriveDown(draft, Number.parseInt(name, 10))
    else this.#happen(draft, name)
  }

  #happen(draft: Draft, name: string) {
    const at = this.#names.findIndex((names, actor) => names[draft.acted[actor]!] === name)
    const happening = this.#options.actors[at]![draft.acted[at]!]!
    draft.acted = draft.acted.map((acted, index) => (index === at ? acted + 1 : acted))
    if (sideOf(happening) === 'page') return this.#tellPage(draft, happening, { kind: 'happening', name: happening })
    const reset = /^reset-(\d)$/.exec(happening)
    if (!reset) return this.#tellFleet(draft, happening, { kind: 'happening', name: happening })
    const leg = Number(reset[1])
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found || found.done || (leg === 2 && !found.served)) return
    if (found.served) this.#tellFleet(draft, `${leg} reset`, { kind: 'reset', leg })
    else this.#bring(draft, leg, { kind: 'reset' })
  }

  #arriveUp(draft: Draft, leg: number) {
    const [first, ...up] = draft.legs.find((one) => one.leg === leg)!.up
    const item = this.#ups.at(first!)
    this.#change(draft, leg, (one) => this.#legs.of(leg, up, one.down, one.closed, true, one.done))
    this.#tellFleet(draft, `${leg}↑${first}`, { ...item, leg })
    this.#leave(draft, leg)
  }

  #arriveDown(draft: Draft, leg: number) {
    const [first, ...down] = draft.legs.find((one) => one.leg === leg)!.down
    const item = this.#downs.at(first!)
    // The last item removes the leg.
    if (isLast(item)) draft.legs = draft.legs.filter((one) => one.leg !== leg)
    else this.#change(draft, leg, (one) => this.#legs.of(leg, one.up, down, one.closed, one.served, one.done))
    this.#tellPage(draft, `${leg}↓${first}`, { kind: 'arrived', leg, item })
  }

  /** A page that has closed a leg is gone from it once everything that it sent before has arrived. */
  #leave(draft: Draft, leg: number) {
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found?.closed || found.up.length > 0) return
    draft.legs = draft.legs.filter((one) => one !== found)
    if (found.served && !found.done) this.#tellFleet(draft, `${leg} close`, { kind: 'close', leg })
  }

  #change(draft: Draft, leg: number, change: (one: Leg) => Leg) {
    draft.legs = draft.legs.map((one) => (one.leg === leg ? change(one) : one))
  }

  /**
   * What a side does when it is told `told`. Undefined: the step is not known yet; it is learned before the move is made
   * again.
   *
   * @param name distinguishes `told` from everything else that the side can be told
   */
  #step<Told, Done, Shown>(part: LearnedPart<Told, Done, Shown>, from: number, name: string, told: Told) {
    const step = part.known(from, name)
    if (!step) this.#unknown ??= () => part.learn(from, name, told)
    return step
  }

  #tellPage(draft: Draft, name: string, told: ToldPage) {
    const step = this.#step(this.#page, draft.page, name, told)
    if (!step) return
    draft.page = step.to
    this.#judge(draft, step)
    for (const sent of step.done.sent) {
      if (sent.kind === 'ask') draft.asked++
      else if (sent.kind === 'dial') this.#dial(draft, sent)
      else if (sent.kind === 'text') this.#send(draft, sent)
      else {
        this.#change(draft, sent.leg, (one) => this.#legs.of(one.leg, one.up, [], true, one.served, one.done))
        this.#leave(draft, sent.leg)
      }
    }
  }

  #dial(draft: Draft, { leg, url }: { leg: number; url: string }) {
    const up = [this.#ups.of({ kind: 'dial', url })]
    draft.legs = [...draft.legs, this.#legs.of(leg, up, [], false, false, false)]
  }

  /** What is sent to an end that has let go is never received. */
  #send(draft: Draft, { leg, text }: { leg: number; text: string }) {
    this.#change(draft, leg, (one) => {
      if (one.done) return one
      return this.#legs.of(
        leg,
        [...one.up, this.#ups.of({ kind: 'text', text })],
        one.down,
        one.closed,
        one.served,
        false,
      )
    })
  }

  #tellFleet(draft: Draft, name: string, told: ToldFleet) {
    const step = this.#step(this.#fleet, draft.fleet, name, told)
    if (!step) return
    draft.fleet = step.to
    const { sent, token, broken } = step.done
    if (token !== undefined) draft.given = [...draft.given, this.#tokens.of(token)]
    if (broken.length > 0) draft.broken = [...draft.broken, ...broken]
    for (const { leg, item } of sent) this.#bring(draft, leg, item)
  }

  #bring(draft: Draft, leg: number, item: Item) {
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found) return
    const last = isLast(item)
    // Neither side holds the connection any more.
    if (last && found.closed) {
      draft.legs = draft.legs.filter((one) => one !== found)
      return
    }
    const { up, closed, served, done } = found
    const down = closed ? [] : [...found.down, this.#downs.of(item)]
    this.#change(draft, leg, () => this.#legs.of(leg, last ? [] : up, down, closed, served, last || done))
  }

  /** Compares what the page has seen with the log at this moment. */
  #judge(draft: Draft, { done: { seen }, number }: Step<DoneByPage>) {
    if (seen.length === 0) return
    const sound = draft.legs.filter(({ closed, done }) => !closed && !done).map(({ leg }) => leg)
    const name = `${draft.fleet}|${number}`
    const verdict = this.#judges.verdict(draft.judge, name, seen, sound, () => this.#fleet.shown(draft.fleet))
    draft.judge = verdict.judge
    if (verdict.broken.length > 0) draft.broken = [...draft.broken, ...verdict.broken]
  }
}

const TIME: Move = { name: 'time', side: 'page' }
const ASKED: Move = { name: 'token↑', side: 'servers' }
const GIVEN: Move = { name: 'token↓', side: 'page' }

const isLast = ({ kind }: Item) => kind === 'close' || kind === 'reset'
