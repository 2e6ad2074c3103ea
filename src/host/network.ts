import { listenTo } from './listening.js'

/**
 * What the browser says about the network. All of it is a hint to check, never the truth: `online` is reported behind a
 * captive portal, `offline` with a working VPN, and a dead path is often not reported at all.
 */
export interface Network {
  /** False only if the browser is sure that there is no network. */
  online(): boolean
  /** Reports `online`, `offline`, and `change` (another interface or kind of connection); returns the undo. */
  subscribe(listener: (hint: NetworkHint) => void): () => void
}

export type NetworkHint = 'online' | 'offline' | 'change'

/** The Network Information API, in browsers that have it. Which fields exist differs. */
interface Connection extends EventTarget {
  readonly type?: string
  readonly effectiveType?: string
  readonly downlinkMax?: number
}

/** The browser's own sensors. Without them (Node, some workers) `online` is true and nothing is reported. */
export const browserNetwork: Network = {
  online: () => typeof navigator !== 'object' || navigator.onLine !== false,
  subscribe(listener) {
    if (typeof addEventListener !== 'function') return ignore
    const connection = typeof navigator === 'object' ? (navigator as { connection?: Connection }).connection : undefined
    let before = kindOf(connection)
    // The event also fires every few seconds because the estimated round trip or throughput has changed. That is no
    // other network.
    const change = () => {
      const now = kindOf(connection)
      const changed = now !== before
      before = now
      if (changed) listener('change')
    }
    const stop = listenTo(globalThis, { online: () => listener('online'), offline: () => listener('offline') })
    const stopChanges = connection?.addEventListener && listenTo(connection, { change })
    return () => {
      stop()
      stopChanges?.()
    }
  },
}

function ignore() {}

function kindOf(connection: Connection | undefined): string {
  return `${connection?.type} ${connection?.effectiveType} ${connection?.downlinkMax}`
}
