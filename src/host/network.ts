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

/** The browser's own sensors; where there are none (Node, a worker without them) it says `online` and nothing else. */
export function browserNetwork(): Network {
  return {
    online: () => typeof navigator !== 'object' || navigator.onLine !== false,
    subscribe(listener) {
      if (typeof addEventListener !== 'function') return () => {}
      const online = () => listener('online')
      const offline = () => listener('offline')
      const change = () => listener('change')
      const connection = typeof navigator === 'object' ? (navigator as { connection?: EventTarget }).connection : undefined
      addEventListener('online', online)
      addEventListener('offline', offline)
      connection?.addEventListener?.('change', change)
      return () => {
        removeEventListener('online', online)
        removeEventListener('offline', offline)
        connection?.removeEventListener?.('change', change)
      }
    },
  }
}
