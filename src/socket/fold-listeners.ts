import { explain } from '../base/explanation.js'
import type { FoldSource } from './fold-options.js'

type Listener<State> = (state: State, previous: State) => void

/** The state of a fold, and who is told of it: once per frame, what it has come to by then. */
export class FoldListeners<State> {
  state: State
  readonly #source: FoldSource
  readonly #topic: string
  /** What listeners know. */
  #told: State
  #cancelFrame: (() => void) | null = null
  readonly #listeners = new Set<{ readonly call: Listener<State> }>()

  constructor(source: FoldSource, topic: string, initial: State) {
    this.#source = source
    this.#topic = topic
    this.state = this.#told = initial
  }

  change(next: State): void {
    if (Object.is(next, this.state)) return
    this.state = next
    if (!this.#cancelFrame && this.#listeners.size > 0)
      this.#cancelFrame = this.#source.settings.clock.frame(() => this.#tell())
  }

  /** Returns the undo; it says whether this one was the last. */
  add(call: Listener<State>): () => boolean {
    const entry = { call }
    if (this.#listeners.size === 0) this.#told = this.state
    this.#listeners.add(entry)
    return () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return false
      this.#cancelFrame?.()
      this.#cancelFrame = null
      return true
    }
  }

  #tell() {
    const previous = this.#told
    const now = (this.#told = this.state)
    this.#cancelFrame = null
    if (Object.is(previous, now)) return
    for (const entry of [...this.#listeners]) {
      if (!this.#listeners.has(entry)) continue
      try {
        // One of them may change the state, and tell of it in the next frame.
        entry.call(now, previous)
      } catch (thrown) {
        this.#source.report(
          explain`A listener of the fold of "${this.#topic}" threw; the others were told all the same.`,
          thrown,
        )
      }
    }
  }
}
