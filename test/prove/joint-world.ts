import { ALL_IS_WELL, type Move } from './choices.js'
import { beginFleet, type DoneByFleet, type ShownFleet, type ToldFleet } from './fleet-part.js'
import { createJudge, NOTHING_SEEN, type JudgeState } from './judge.js'
import type { Machine } from './machine.js'
import { beginPage, type DoneByPage, type Seen, type ShownPage, type Token, type ToldPage } from './page-part.js'
import { LearnedPart } from './part.js'
import { stateHash } from './state-hash.js'
import type { CreateLiveSocket } from './tab.js'
import type { Item } from './wire.js'
import type { Happening, WorldOptions } from './world.js'

/** A connection as the network sees it: what is under way each way, and who has let go. */
interface Leg {
  readonly leg: number
  /** What the page sent, by number. */
  readonly up: readonly number[]
  readonly down: readonly number[]
  /** The page has closed it. */
  readonly closed: boolean
  /** A server has taken it. */
  readonly served: boolean
  /** The server's end is over. */
  readonly done: boolean
}

/** A state of the whole world. */
export interface Joint {
  readonly page: number
  readonly fleet: number
  readonly judge: number
  /** How many happenings of each actor are over. */
  readonly acted: readonly number[]
  /** How often time may pass. */
  readonly haste: number
  readonly legs: readonly Leg[]
  /** How many tokens are asked for. */
  readonly asked: number
  /** Tokens that are given and have not come. */
  readonly given: readonly (Token | null)[]
  readonly broken: readonly string[]
}

/** What a page sends on a leg. */
type Up = { readonly kind: 'dial'; readonly url: string } | { readonly kind: 'text'; readonly text: string }

type Draft = { -readonly [Key in keyof Joint]: Joint[Key] }

/**
 * The same world as world.ts has it, with both of its sides learned by heart: a state is what state either side is in,
 * what is under way between them, and where the judge is. It is made of the same tabs, servers, network and judge; only
 * what a step of a side does is remembered, and not done again wherever the other side may be by then.
 */
export class JointWorld {
  readonly #options: WorldOptions
  readonly #page: LearnedPart<ToldPage, DoneByPage, ShownPage>
  readonly #fleet: LearnedPart<ToldFleet, DoneByFleet, ShownFleet>
  readonly #ups = new Numbered<Up>()
  readonly #downs = new Numbered<Item>()
  readonly #judges = new Numbered<JudgeState>()
  readonly #verdicts = new Map<string, { readonly judge: number; readonly broken: readonly string[] }>()

  constructor(create: CreateLiveSocket, options: WorldOptions, machine: Machine) {
    if (!options.plain || !options.live || options.tabs !== 1) throw new Error('only plain worlds have parts')
    this.#options = options
    this.#page = new LearnedPart(() => beginPage(create, options, machine), stateHash)
    this.#fleet = new LearnedPart(async () => beginFleet(options), stateHash)
  }

  /** How many states each side has. */
  get sizes() {
    return { page: this.#page.size, fleet: this.#fleet.size }
  }

  /** The page is live, and nothing has happened yet. */
  async begin(): Promise<Joint> {
    await this.#page.begin()
    await this.#fleet.begin()
    const draft: Draft = {
      page: 0,
      fleet: 0,
      judge: this.#judges.of(NOTHING_SEEN),
      acted: this.#options.actors.map(() => 0),
      haste: Infinity,
      legs: [],
      asked: 0,
      given: [],
      broken: [],
    }
    await this.#tellPage(draft, { kind: 'sign-in' })
    while (draft.broken.length === 0) {
      const [first] = this.#queues(draft)
      if (!first && this.#page.shown(draft.page).live) break
      await this.#make(draft, first ?? TIME)
    }
    return { ...draft, haste: this.#options.haste ?? Infinity }
  }

  /** By the same names as in world.ts. */
  moves(state: Joint): Move[] {
    const queues = this.#queues(state)
    const left = this.#options.actors.flatMap((actor, at) => {
      const name = actor.slice(state.acted[at]).join(' ')
      return name === '' ? [] : [{ name, side: sideOf(actor[state.acted[at]!]!) }]
    })
    if (queues.length + left.length === 0) return [ALL_IS_WELL]
    const time = state.haste > 0 && this.#page.shown(state.page).waits ? [TIME] : []
    return [...queues, ...left, ...time]
  }

  async next(state: Joint, move: Move): Promise<Joint> {
    const draft = { ...state }
    await this.#make(draft, move)
    return draft
  }

  /** The same for two states from which everything goes on in the same way. */
  key({ page, fleet, judge, acted, haste, legs, asked, given }: Joint): string {
    let text = `${page},${fleet},${judge},${acted.join('')},${haste},${asked}`
    for (const token of given) text += `,${token ? token.token : '-'}`
    for (const { leg, up, down, closed, served, done } of legs)
      text += `;${leg}${closed ? 'c' : ''}${served ? 's' : ''}${done ? 'd' : ''},${up.join('.')},${down.join('.')}`
    return text
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

  async #make(draft: Draft, { name }: Move) {
    if (name === TIME.name) {
      draft.haste--
      return this.#tellPage(draft, { kind: 'time' })
    }
    if (name === ASKED.name) {
      draft.asked--
      return this.#tellFleet(draft, { kind: 'ask' })
    }
    if (name === GIVEN.name) {
      const [token, ...given] = draft.given
      draft.given = given
      return this.#tellPage(draft, { kind: 'token', token: token! })
    }
    if (name.endsWith('↑')) return this.#arriveUp(draft, Number.parseInt(name, 10))
    if (name.endsWith('↓')) return this.#arriveDown(draft, Number.parseInt(name, 10))
    return this.#happen(draft, name)
  }

  #happen(draft: Draft, name: string) {
    const { actors } = this.#options
    const at = actors.findIndex((actor, index) => actor.slice(draft.acted[index]).join(' ') === name)
    const happening = actors[at]![draft.acted[at]!]!
    draft.acted = draft.acted.map((acted, index) => (index === at ? acted + 1 : acted))
    if (sideOf(happening) === 'page') return this.#tellPage(draft, { kind: 'happening', name: happening })
    const reset = /^reset-(\d)$/.exec(happening)
    if (!reset) return this.#tellFleet(draft, { kind: 'happening', name: happening })
    const leg = Number(reset[1])
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found || found.done || (leg === 2 && !found.served)) return
    if (found.served) return this.#tellFleet(draft, { kind: 'reset', leg })
    this.#bring(draft, leg, { kind: 'reset' })
  }

  async #arriveUp(draft: Draft, leg: number) {
    const [first, ...up] = draft.legs.find((one) => one.leg === leg)!.up
    const item = this.#ups.at(first!)
    if (item.kind === 'text') {
      this.#change(draft, leg, { up })
      await this.#tellFleet(draft, { kind: 'text', leg, text: item.text })
    } else {
      this.#change(draft, leg, { up, served: true })
      await this.#tellFleet(draft, { kind: 'dial', leg, url: item.url })
    }
    await this.#leave(draft, leg)
  }

  async #arriveDown(draft: Draft, leg: number) {
    const [first, ...down] = draft.legs.find((one) => one.leg === leg)!.down
    const item = this.#downs.at(first!)
    this.#change(draft, leg, { down })
    // It was the last thing to come: nothing of it is left.
    if (item.kind === 'close' || item.kind === 'reset') draft.legs = draft.legs.filter((one) => one.leg !== leg)
    await this.#tellPage(draft, { kind: 'arrived', leg, item })
  }

  /** Who has left is gone once what it sent before has come. */
  async #leave(draft: Draft, leg: number) {
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found?.closed || found.up.length > 0) return
    draft.legs = draft.legs.filter((one) => one !== found)
    if (found.served && !found.done) await this.#tellFleet(draft, { kind: 'close', leg })
  }

  #change(draft: Draft, leg: number, change: Partial<Leg>) {
    draft.legs = draft.legs.map((one) => (one.leg === leg ? { ...one, ...change } : one))
  }

  async #tellPage(draft: Draft, told: ToldPage) {
    const { to, done } = await step(this.#page, draft.page, told)
    draft.page = to
    this.#judge(draft, done.seen)
    for (const sent of done.sent) {
      if (sent.kind === 'ask') draft.asked++
      else if (sent.kind === 'dial') this.#dial(draft, sent)
      else if (sent.kind === 'text') this.#send(draft, sent)
      else {
        this.#change(draft, sent.leg, { closed: true, down: [] })
        await this.#leave(draft, sent.leg)
      }
    }
  }

  #dial(draft: Draft, { leg, url }: { leg: number; url: string }) {
    const up = [this.#ups.of({ kind: 'dial', url })]
    draft.legs = [...draft.legs, { leg, up, down: [], closed: false, served: false, done: false }]
  }

  /** What is sent to an end that has let go is never heard. */
  #send(draft: Draft, { leg, text }: { leg: number; text: string }) {
    const found = draft.legs.find((one) => one.leg === leg)
    if (found && !found.done) this.#change(draft, leg, { up: [...found.up, this.#ups.of({ kind: 'text', text })] })
  }

  async #tellFleet(draft: Draft, told: ToldFleet) {
    const { to, done } = await step(this.#fleet, draft.fleet, told)
    draft.fleet = to
    if (done.token !== undefined) draft.given = [...draft.given, done.token]
    if (done.broken.length > 0) draft.broken = [...draft.broken, ...done.broken]
    for (const { leg, item } of done.sent) this.#bring(draft, leg, item)
  }

  #bring(draft: Draft, leg: number, item: Item) {
    const found = draft.legs.find((one) => one.leg === leg)
    if (!found) return
    const last = item.kind === 'close' || item.kind === 'reset'
    // Neither side holds it any more.
    if (last && found.closed) return void (draft.legs = draft.legs.filter((one) => one !== found))
    const down = found.closed ? [] : [...found.down, this.#downs.of(item)]
    this.#change(draft, leg, last ? { down, done: true, up: [] } : { down })
  }

  /** What the page has seen is held against the log as it is by now. */
  #judge(draft: Draft, seen: readonly Seen[]) {
    if (seen.length === 0) return
    const { record, recordText } = this.#fleet.shown(draft.fleet)
    const sound = draft.legs.filter(({ closed, done }) => !closed && !done).map(({ leg }) => leg)
    const name = `${draft.judge}|${sound.join()}|${recordText}|${JSON.stringify(seen)}`
    let verdict = this.#verdicts.get(name)
    if (!verdict) {
      const judge = createJudge(record, this.#judges.at(draft.judge))
      for (const [what, ...args] of seen)
        if (what === 'lapsed') {
          const [status, legs] = args as Parameters<typeof judge.lapsed>
          judge.lapsed(
            status,
            legs.map(({ leg }) => ({ leg, sound: sound.includes(leg) })),
          )
        } else (judge[what] as (...given: unknown[]) => void)(...args)
      verdict = { judge: this.#judges.of(judge.state), broken: judge.broken }
      this.#verdicts.set(name, verdict)
    }
    draft.judge = verdict.judge
    if (verdict.broken.length > 0) draft.broken = [...draft.broken, ...verdict.broken]
  }
}

const TIME: Move = { name: 'time', side: 'page' }
const ASKED: Move = { name: 'token↑', side: 'servers' }
const GIVEN: Move = { name: 'token↓', side: 'page' }

const OF_PAGE: ReadonlySet<Happening> = new Set<Happening>([
  'publish',
  'handover',
  'hidden',
  'shown',
  'stored',
  'restored',
  'network-change',
])
const sideOf = (happening: Happening): Move['side'] => (OF_PAGE.has(happening) ? 'page' : 'servers')

function step<Told, Done, Shown>(part: LearnedPart<Told, Done, Shown>, from: number, told: Told) {
  const name = JSON.stringify(told)
  return part.known(from, name) ?? part.learn(from, name, told)
}

/** Things by number, those that read the same by the same one. */
class Numbered<Thing> {
  readonly #things: Thing[] = []
  readonly #numbers = new Map<string, number>()

  of(thing: Thing): number {
    const text = JSON.stringify(thing)
    let number = this.#numbers.get(text)
    if (number === undefined) {
      number = this.#things.push(thing) - 1
      this.#numbers.set(text, number)
    }
    return number
  }

  at(number: number): Thing {
    return this.#things[number]!
  }
}
