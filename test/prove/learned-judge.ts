import { createJudge, NOTHING_SEEN, type JudgeState, type TopicRecord } from './judge.js'
import { Numbered } from './numbered.js'
import type { Seen } from './page-part.js'

interface Verdict {
  /** The state of the judge after the step. */
  readonly judge: number
  readonly broken: readonly string[]
}

/** A judge as the set of its states: its verdict on each step of the page is computed once. */
export class LearnedJudge {
  readonly #states = new Numbered<JudgeState>()
  readonly #verdicts = new Map<string, Verdict>()
  /** The state when a page begins. */
  readonly begin = this.#states.of(NOTHING_SEEN)

  /**
   * @param name what tells what was seen, and the log, from all others.
   * @param sound the legs that neither side has ended.
   */
  verdict(
    from: number,
    name: string,
    seen: readonly Seen[],
    sound: readonly number[],
    log: () => TopicRecord,
  ): Verdict {
    const step = `${from}|${sound.join()}|${name}`
    let verdict = this.#verdicts.get(step)
    if (!verdict) {
      const judge = createJudge(log(), this.#states.at(from))
      for (const [what, ...args] of seen)
        if (what === 'lapsed') {
          const [status, legs] = args as Parameters<typeof judge.lapsed>
          judge.lapsed(
            status,
            legs.map(({ leg }) => ({ leg, sound: sound.includes(leg) })),
          )
        } else (judge[what] as (...given: unknown[]) => void)(...args)
      verdict = { judge: this.#states.of(judge.state), broken: judge.broken }
      this.#verdicts.set(step, verdict)
    }
    return verdict
  }
}
