import { textOf, type Hash } from './hash.js'
import { Numbered } from './numbered.js'
import type { State } from './state-hash.js'

/**
 * One side of the world as it runs, with nobody around it: it is told one thing at a time, and what it does about it is
 * all that others hear of it. It does the same whenever it is told the same.
 */
export interface Part<Told, Done, Shown> {
  /** Resolves once nothing of it can go on by itself. */
  tell(told: Told): Promise<Done>
  /** What of it others go by. */
  show(): Shown
  /** Everything that its next step depends on. */
  state(): State
}

/** A step that was seen: where it leads, and what was done on the way. */
export interface Step<Done> {
  readonly to: number
  readonly done: Done
  /** The same for two that did the same. */
  readonly number: number
}

/**
 * A part as the states in which it can be, numbered from 0 as it begins. Each step is taken once by the real thing and
 * then known by heart. There are far fewer states of a part than ways in which two parts can meet.
 */
export class LearnedPart<Told, Done, Shown> {
  readonly #begin: () => Promise<Part<Told, Done, Shown>>
  readonly #hash: (state: State) => Hash
  readonly #numbers = new Map<string, number>()
  /** The shortest known way to each state: its last step; null: as the part begins. */
  readonly #ways: (Way<Told> | null)[] = []
  readonly #steps: Map<string, Step<Done>>[] = []
  /** Few: most steps do what others did. */
  readonly #dones = new Numbered<Done>()
  readonly #shown: Shown[] = []
  /** One that runs, and the state in which it is: the next step is mostly one of it. */
  #running: { readonly part: Part<Told, Done, Shown>; readonly at: number } | null = null

  constructor(begin: () => Promise<Part<Told, Done, Shown>>, hash: (state: State) => Hash) {
    this.#begin = begin
    this.#hash = hash
  }

  /** It is in state 0. */
  async begin() {
    this.#number(await this.#begin(), null)
  }

  shown(at: number): Shown {
    return this.#shown[at]!
  }

  /** `name`: what tells what it is told from everything else that it can be told. */
  known(from: number, name: string): Step<Done> | undefined {
    return this.#steps[from]!.get(name)
  }

  async learn(from: number, name: string, told: Told): Promise<Step<Done>> {
    const part = this.#running?.at === from ? this.#running.part : await this.#ledTo(from)
    this.#running = null
    const number = this.#dones.of(await part.tell(told))
    const to = this.#number(part, { from, told, steps: (this.#ways[from]?.steps ?? 0) + 1 })
    this.#running = { part, at: to }
    const step = { to, done: this.#dones.at(number), number }
    this.#steps[from]!.set(name, step)
    return step
  }

  /** A new one, led the whole way. */
  async #ledTo(state: number): Promise<Part<Told, Done, Shown>> {
    const way: Told[] = []
    for (let step = this.#ways[state]; step; step = this.#ways[step.from]) way.push(step.told)
    const part = await this.#begin()
    for (const told of way.reverse()) await part.tell(told)
    return part
  }

  #number(part: Part<Told, Done, Shown>, way: Way<Told> | null): number {
    const hash = textOf(this.#hash(part.state()))
    const known = this.#numbers.get(hash)
    if (known !== undefined) {
      if (way && way.steps < (this.#ways[known]?.steps ?? 0)) this.#ways[known] = way
      return known
    }
    const number = this.#ways.length
    this.#numbers.set(hash, number)
    this.#ways.push(way)
    this.#steps.push(new Map())
    this.#shown.push(part.show())
    return number
  }
}

interface Way<Told> {
  readonly from: number
  readonly told: Told
  readonly steps: number
}
