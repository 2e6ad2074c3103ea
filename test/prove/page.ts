import type { Network, NetworkHint } from '../../src/host/network.js'
import type { Page, PageChange } from '../../src/host/page.js'

/** The events of a browser about the page and its network, fired by hand. */
export class WorldPage {
  stored = false
  offline = false
  #hidden = false
  readonly #pageListeners = new Set<(change: PageChange) => void>()
  readonly #networkListeners = new Set<(hint: NetworkHint) => void>()

  readonly sensors: { readonly page: Page; readonly network: Network } = {
    page: {
      hidden: () => this.#hidden,
      subscribe: (listener) => {
        this.#pageListeners.add(listener)
        return () => void this.#pageListeners.delete(listener)
      },
    },
    network: {
      online: () => !this.offline,
      subscribe: (listener) => {
        this.#networkListeners.add(listener)
        return () => void this.#networkListeners.delete(listener)
      },
    },
  }

  /** The number of listeners. */
  get listeners(): number {
    return this.#pageListeners.size + this.#networkListeners.size
  }

  tell(change: PageChange) {
    if (change === 'hidden' || change === 'shown') {
      if (this.#hidden === (change === 'hidden')) return
      this.#hidden = !this.#hidden
    }
    if (change === 'stored' || change === 'restored') {
      if (this.stored === (change === 'stored')) return
      this.stored = !this.stored
    }
    for (const listener of [...this.#pageListeners]) listener(change)
  }

  hint(hint: NetworkHint) {
    if (hint !== 'change') {
      if (this.offline === (hint === 'offline')) return
      this.offline = !this.offline
    }
    for (const listener of [...this.#networkListeners]) listener(hint)
  }
}
