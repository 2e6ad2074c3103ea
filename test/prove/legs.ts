/** A connection as the network sees it: what is under way each way, and who has let go. */
export interface Leg {
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
  /** The same for two that are in the same state. */
  readonly number: number
}

/** Each once: a leg is made at every move, and a state is known by the numbers of its legs. */
export class Legs {
  readonly #known = new Map<string, Leg>()

  of(
    leg: number,
    up: readonly number[],
    down: readonly number[],
    closed: boolean,
    served: boolean,
    done: boolean,
  ): Leg {
    const text = `${leg}${closed ? 'c' : ''}${served ? 's' : ''}${done ? 'd' : ''},${up.join('.')},${down.join('.')}`
    let known = this.#known.get(text)
    if (!known) {
      known = { leg, up, down, closed, served, done, number: this.#known.size }
      this.#known.set(text, known)
    }
    return known
  }
}
