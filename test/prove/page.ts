import type { Network, NetworkHint } from '../../src/host/network.js'
import type { Page, PageChange } from '../../src/host/page.js'

/** What a browser tells of the page and its network, by hand. */
export interface WorldPage {
  readonly sensors: { readonly page: Page; readonly network: Network }
  readonly stored: boolean
  readonly offline: boolean
  tell(change: PageChange): void
  hint(hint: NetworkHint): void
}

export function createWorldPage(): WorldPage {
  const pageListeners = new Set<(change: PageChange) => void>()
  const networkListeners = new Set<(hint: NetworkHint) => void>()
  let hidden = false
  let stored = false
  let offline = false
  return {
    sensors: {
      page: {
        hidden: () => hidden,
        subscribe(listener) {
          pageListeners.add(listener)
          return () => void pageListeners.delete(listener)
        },
      },
      network: {
        online: () => !offline,
        subscribe(listener) {
          networkListeners.add(listener)
          return () => void networkListeners.delete(listener)
        },
      },
    },
    get stored() {
      return stored
    },
    get offline() {
      return offline
    },
    tell(change) {
      if (change === 'hidden' || change === 'shown') {
        if (hidden === (change === 'hidden')) return
        hidden = !hidden
      }
      if (change === 'stored' || change === 'restored') {
        if (stored === (change === 'stored')) return
        stored = !stored
      }
      for (const listener of [...pageListeners]) listener(change)
    },
    hint(hint) {
      if (hint !== 'change') {
        if (offline === (hint === 'offline')) return
        offline = !offline
      }
      for (const listener of [...networkListeners]) listener(hint)
    },
  }
}
