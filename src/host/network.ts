import { listenTo } from './listening.js'

/**
 * What the browser says of the network. All of it is a hint to look, never the truth: `online` is said behind a captive
 * portal, `offline` with a working VPN, and a dead path is often not mentioned at all.
 */
export interface Network {
  /** False only where the browser is sure that there is none. */
  online(): boolean
  /** Tells `online`, `offline`, and `change` (another interface or kind of connection); returns the undo. */
  subscribe(listener: (hint: NetworkHint) => void): () => void
}

export type NetworkHint = 'online' | 'offline' | 'change'

/** The Network Information API, where a browser has it; which fields there are differs. */
interface Connection extends EventTarget {
  readonly type?: string
  readonly effectiveType?: string
  readonly downlinkMax?: number
}

/** The browser's own sensors; where there are none (Node, a worker without them) it says `online` and nothing else. */
export const browserNetwork: Network = {
  online: () => typeof navigator !== 'object' || navigator.onLine !== false,
  subscribe(listener) {
    if (typeof addEventListener !== 'function') return ignore
    const connection = typeof navigator === 'object' ? (navigator as { connection?: Connection }).connection : undefined
    let before = kindOf(connection)
    // It also tells, every few seconds, that its guess of round trip and throughput has changed: that is no other
    // network.
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
