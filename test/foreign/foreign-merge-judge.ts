export interface Published {
  readonly origin: number
  readonly topic: string
  readonly stream: string | undefined
  /** Its place among the messages of its origin; by position, its number in the topic. */
  readonly place: number
  readonly name: string | null
  /** How many times in a row it is sent: names are compared between two legs, and not within one. */
  readonly times: number
  /** For an opening message: the leg that begins with it. */
  readonly begins?: number
  readonly at: number
}

/** Checks what a foreign merge promises about the messages that legs have brought. */
export class ForeignMergeJudge {
  readonly wrong: string[] = []
  delivered = 0
  readonly #now: () => number
  readonly #settles: number
  readonly #numbered: boolean
  /**
   * Topics that the application wants. `leg` and `at`: the leg that was asked first since then, and when; 0 means that
   * the next leg counts. `after`: by position, the topic begins after what had been delivered by then.
   */
  readonly #wanted = new Map<string, { readonly leg: number; readonly at: number; readonly after: number }>()
  /** When a leg brought the message first. */
  readonly #brought = new Map<Published, number>()
  /** When the message was delivered last, and how often. */
  readonly #told = new Map<Published, { at: number; times: number }>()
  readonly #excused = new Set<Published>()
  readonly #last = new Map<string, number>()
  /** By topic: the leg whose opening message was delivered since no leg served. */
  readonly #begun = new Map<string, number>()

  /** @param settles ms after which a leg that was asked for a topic has begun with it. */
  constructor(now: () => number, settles: number, numbered: boolean) {
    this.#now = now
    this.#settles = settles
    this.#numbered = numbered
  }

  fail(text: string) {
    this.wrong.push(`after ${this.#now()} ms ${text}`)
  }

  wants(topic: string, leg: number) {
    const told = this.#numbered ? [...this.#told.keys()].filter((one) => one.topic === topic) : []
    const after = Math.max(0, ...told.map(({ place }) => place))
    this.#wanted.set(topic, { leg, at: leg === 0 ? -Infinity : this.#now(), after })
  }

  /** That leg alone serves now, and begins with every wanted topic. */
  begins(leg: number) {
    for (const topic of this.#wanted.keys()) this.wants(topic, leg)
  }

  /**
   * A subscriber that wants the topic again gets it from then on: by position perhaps messages that were delivered
   * before, otherwise nothing twice.
   */
  gaveUp(topic: string) {
    this.#wanted.delete(topic)
    this.#begun.delete(topic)
    this.excuse((one) => one.topic === topic)
    this.#forgetOrder(topic)
    if (this.#numbered) for (const one of this.#told.keys()) if (one.topic === topic) this.#told.delete(one)
  }

  signedOut() {
    this.excuse(() => true)
    this.#wanted.clear()
  }

  /**
   * The topic's first leg is not waited for any longer. If it had no time to begin, what it delivered may be newer than
   * what another leg begins with.
   */
  givenUp(topic: string) {
    const asked = this.#wanted.get(topic)
    if (!asked || this.#now() >= asked.at + 2 * this.#settles) return
    this.#forgetOrder(topic)
  }

  #forgetOrder(topic: string) {
    for (const sequence of this.#last.keys()) if (sequence.split(' ')[1] === topic) this.#last.delete(sequence)
  }

  /** @param active the leg that serves on alone, with no more time to hear from the old one. */
  went(leg: number, active: number | undefined) {
    for (const [topic, asked] of this.#wanted) if (asked.leg === leg) this.givenUp(topic)
    if (active !== undefined) this.begins(active)
  }

  /** What only that leg had brought is lost, and so is what was held for it. */
  broke(serving: boolean) {
    this.excuse((one) => !this.wasTold(one))
    this.#begun.clear()
    if (!serving) for (const topic of this.#wanted.keys()) this.wants(topic, 0)
  }

  excuse(which: (one: Published) => boolean) {
    for (const one of this.#brought.keys()) if (which(one)) this.#excused.add(one)
  }

  brought(leg: number, one: Published) {
    if (this.#counts(leg, one) && !this.#brought.has(one)) this.#brought.set(one, this.#now())
  }

  /** A topic begins with the leg that was asked for it first: earlier messages of another leg are no part of it. */
  #counts(leg: number, { topic, place }: Published) {
    const asked = this.#wanted.get(topic)
    if (!asked || leg < asked.leg || (place > 0 && place <= asked.after)) return false
    return leg === asked.leg || this.#now() >= asked.at + this.#settles
  }

  told(one: Published) {
    this.delivered++
    if (!this.#wanted.has(one.topic)) this.fail(`${say(one)} is told, and nobody wants it`)
    if (one.begins !== undefined) return this.#toldBeginning(one, one.begins)
    const { times } = this.#told.get(one) ?? { times: 0 }
    this.#told.set(one, { at: this.#now(), times: times + 1 })
    // Nothing is promised about messages without a name.
    if (one.name === null) return
    const sequence = `${one.origin} ${one.topic} ${one.stream}`
    const before = this.#last.get(sequence) ?? 0
    if (times >= one.times) this.fail(`${say(one)} is told once more`)
    else if (one.place < before || (one.place === before && times === 0))
      this.fail(`${say(one)} is told after ${before}`)
    this.#last.set(sequence, Math.max(before, one.place))
  }

  #toldBeginning({ topic }: Published, leg: number) {
    const before = this.#begun.get(topic) ?? leg
    if (before !== leg) this.fail(`what leg ${leg} begins ${topic} with is told after that of leg ${before}`)
    this.#begun.set(topic, leg)
  }

  /** @param most how long a message may have waited, ms. */
  atLast(most: number, asked: ReadonlySet<string>) {
    for (const [one, at] of this.#brought) {
      if (this.#excused.has(one) || one.name === null) continue
      if (!this.wasTold(one)) this.fail(`${say(one)} is lost`)
      else if (one.times === 1 && this.#told.get(one)!.at - at > most) this.fail(`${say(one)} waited too long`)
    }
    for (const topic of this.#wanted.keys()) if (!asked.has(topic)) this.fail(`${topic} is asked of nobody`)
  }

  wasTold(one: Published) {
    return (this.#told.get(one)?.times ?? 0) >= one.times
  }
}

function say({ origin, place, topic, stream }: Published) {
  return `${'abc'[origin]}${place} of ${topic}${stream === undefined ? '' : ` ${stream}`}`
}
