/** A connection as the network sees it: what is under way in each direction, and which side has let go. */
export interface Leg {
  readonly leg: number
  /** What the page sent, by number. */
  readonly up: readonly number[]
  readonly down: readonly number[]
  /** The page has closed it. */
  readonly closed: boolean
  /** A server has accepted it. */
  readonly served: boolean
  /** The server's end is closed. */
  readonly done: boolean
  /** Equal for two connections in the same state. */
  readonly number: number
}

/**
 * Keeps each leg state once: a leg is created at every move, and a state of the world is identified by the numbers of
 * its legs.
 */
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
