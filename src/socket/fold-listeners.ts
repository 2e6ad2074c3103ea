import { explain } from '../base/explanation.js'
import type { FoldSource } from './fold-options.js'
import { createGuardedStore } from './store.js'

/** The state of a fold, and its listeners. They are called once per animation frame, with the state at that moment. */
export class FoldListeners<State> {
  state: State
  readonly #source: FoldSource
  /** The state that the listeners have received. */
  readonly #told
  #listening = 0
  #cancelFrame: (() => void) | null = null

  constructor(source: FoldSource, topic: string, initial: State) {
    this.#source = source
    this.state = initial
    this.#told = createGuardedStore(initial, (thrown) =>
      source.report(
        explain`A listener of the fold of "${topic}" threw; the other listeners were still called.`,
        thrown,
      ),
    )
  }

  change(next: State): void {
    if (Object.is(next, this.state)) return
    this.state = next
    if (this.#listening > 0) this.#cancelFrame ??= this.#source.settings.clock.frame(() => this.#tell())
  }

  /** Returns a function that removes the listener. That function returns true if it removed the last listener. */
  add(call: (state: State, previous: State) => void): () => boolean {
    if (this.#listening++ === 0) this.#tell()
    let undo: (() => void) | null = this.#told.subscribe(call)
    return () => {
      if (!undo) return false
      undo()
      undo = null
      if (--this.#listening > 0) return false
      this.#cancelFrame?.()
      this.#cancelFrame = null
      return true
    }
  }

  #tell() {
    this.#cancelFrame = null
    // `#cancelFrame` is cleared first: a listener may change the state, and that schedules the next frame.
    this.#told.setState(() => this.state, true)
  }
}
