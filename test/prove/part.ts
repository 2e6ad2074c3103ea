import { textOf, type Hash } from './hash.js'
import { Numbered } from './numbered.js'
import type { State } from './state-hash.js'

/**
 * One running side of the world, alone: it is told one thing at a time, and its result is everything that others see of
 * it. It always does the same when it is told the same.
 */
export interface Part<Told, Done, Shown> {
  /** Resolves when nothing in it can continue on its own. */
  tell(told: Told): Promise<Done>
  /** The part of its state that others depend on. */
  show(): Shown
  /** Everything that its next step depends on. */
  state(): State
}

/** A known step: the next state, and what was done. */
export interface Step<Done> {
  readonly to: number
  readonly done: Done
  /** Equal for two steps that did the same. */
  readonly number: number
}

/**
 * A part as the set of its states, numbered from 0 for its beginning. Each step is run once on the real part and
 * remembered. There are far fewer states of a part than combinations of two parts.
 */
export class LearnedPart<Told, Done, Shown> {
  readonly #begin: () => Promise<Part<Told, Done, Shown>>
  readonly #hash: (state: State) => Hash
  readonly #numbers = new Map<string, number>()
  /** The shortest known path to each state, by its last step; null for the beginning. */
  readonly #ways: (Way<Told> | null)[] = []
  readonly #steps: Map<string, Step<Done>>[] = []
  /** Few entries: most steps do what others did. */
  readonly #dones = new Numbered<Done>()
  readonly #shown: Shown[] = []
  /** A running part and its state: the next step usually starts there. */
  #running: { readonly part: Part<Told, Done, Shown>; readonly at: number } | null = null

  constructor(begin: () => Promise<Part<Told, Done, Shown>>, hash: (state: State) => Hash) {
    this.#begin = begin
    this.#hash = hash
  }

  /** Starts the part, in state 0. */
  async begin() {
    this.#number(await this.#begin(), null)
  }

  shown(at: number): Shown {
    return this.#shown[at]!
  }

  /** `name` distinguishes what the part is told from everything else that it can be told. */
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

  /** A new part that was led along the whole path. */
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
