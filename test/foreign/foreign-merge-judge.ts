export interface Published {
  readonly origin: number
  readonly topic: string
  readonly stream: string | undefined
  /** Its place among those of its origin, and by position its number in the topic. */
  readonly place: number
  readonly name: string | null
  /** How often it is sent in a row: names count between two legs, and not within one. */
  readonly times: number
  /** Of what a leg begins with: which leg that is. */
  readonly begins?: number
  readonly at: number
}

/** What is promised of the messages that any leg has brought, in a world of a foreign merge. */
export class ForeignMergeJudge {
  readonly wrong: string[] = []
  delivered = 0
  readonly #now: () => number
  /** Topics that the application wants, and the first leg that was asked since it does. */
  readonly #wanted = new Map<string, number>()
  /** When it came first. */
  readonly #brought = new Map<Published, number>()
  /** When it was told last, and how often. */
  readonly #told = new Map<Published, { at: number; times: number }>()
  readonly #excused = new Set<Published>()
  readonly #last = new Map<string, number>()
  /** Whose beginning was told, of each topic, since there was none. */
  readonly #begun = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  fail(text: string) {
    this.wrong.push(`after ${this.#now()} ms ${text}`)
  }

  wants(topic: string, leg: number) {
    this.#wanted.set(topic, leg)
  }

  /** @param numbered who wants it again is told from then on. */
  gaveUp(topic: string, numbered: boolean) {
    this.#wanted.delete(topic)
    this.#begun.delete(topic)
    this.excuse((one) => one.topic === topic)
    if (numbered) this.#last.clear()
  }

  signedOut() {
    this.excuse(() => true)
    this.#wanted.clear()
  }

  /** What that leg alone had brought, and what waited for it, went with it. */
  broke() {
    this.excuse((one) => !this.#isTold(one))
    this.#begun.clear()
  }

  /** A name that was told before a hello may come again behind it, and nobody can tell how often. */
  greeted() {
    this.excuse((one) => one.times > 1 && this.#now() - one.at < 300)
  }

  excuse(which: (one: Published) => boolean) {
    for (const one of this.#brought.keys()) if (which(one)) this.#excused.add(one)
  }

  brought(leg: number, one: Published) {
    if (leg >= (this.#wanted.get(one.topic) ?? Infinity) && !this.#brought.has(one)) this.#brought.set(one, this.#now())
  }

  told(one: Published) {
    this.delivered++
    if (!this.#wanted.has(one.topic)) this.fail(`${say(one)} is told, and nobody wants it`)
    if (one.begins !== undefined) return this.#toldBeginning(one, one.begins)
    const { times } = this.#told.get(one) ?? { times: 0 }
    this.#told.set(one, { at: this.#now(), times: times + 1 })
    // Of what nothing names nothing is promised.
    if (one.name === null) return
    const sequence = `${one.origin} ${one.topic} ${one.stream}`
    const before = this.#last.get(sequence) ?? 0
    const again = one.place === before && one.times > 1 && (times < one.times || this.#excused.has(one))
    if (one.place <= before && !again) this.fail(`${say(one)} is told after ${before}`)
    this.#last.set(sequence, Math.max(before, one.place))
  }

  #toldBeginning({ topic }: Published, leg: number) {
    const before = this.#begun.get(topic) ?? leg
    if (before !== leg) this.fail(`what leg ${leg} begins ${topic} with is told after that of leg ${before}`)
    this.#begun.set(topic, leg)
  }

  /** @param most ms for which a message may have waited. */
  atLast(most: number, asked: ReadonlySet<string>) {
    for (const [one, at] of this.#brought) {
      if (this.#excused.has(one) || one.name === null) continue
      if (!this.#isTold(one)) this.fail(`${say(one)} is lost`)
      else if (one.times === 1 && this.#told.get(one)!.at - at > most) this.fail(`${say(one)} waited too long`)
    }
    for (const topic of this.#wanted.keys()) if (!asked.has(topic)) this.fail(`${topic} is asked of nobody`)
  }

  #isTold(one: Published) {
    return (this.#told.get(one)?.times ?? 0) >= one.times
  }
}

function say({ origin, place, topic, stream }: Published) {
  return `${'abc'[origin]}${place} of ${topic}${stream === undefined ? '' : ` ${stream}`}`
}
