/** What becomes of the page that we live in. */
export interface Page {
  hidden(): boolean
  /** Tells what happened; returns the undo. */
  subscribe(listener: (change: PageChange) => void): () => void
}

/**
 * - `shown`, `hidden`: the tab came to the front or left it; timers of a hidden one run as seldom as once a minute.
 * - `stored`: the page goes into the back/forward cache and may come back from it.
 * - `restored`: it came back; its sockets may be dead without having said so.
 * - `resumed`: it was frozen and is not any more.
 */
export type PageChange = 'shown' | 'hidden' | 'stored' | 'restored' | 'resumed'

/** The document's own events; where there is no document, nothing ever happens. */
export function browserPage(): Page {
  return {
    hidden: () => typeof document === 'object' && document.visibilityState === 'hidden',
    subscribe(listener) {
      if (typeof document !== 'object' || typeof addEventListener !== 'function') return () => {}
      const visibility = () => listener(document.visibilityState === 'hidden' ? 'hidden' : 'shown')
      const stored = (event: PageTransitionEvent) => event.persisted && listener('stored')
      const restored = (event: PageTransitionEvent) => event.persisted && listener('restored')
      const resumed = () => listener('resumed')
      document.addEventListener('visibilitychange', visibility)
      document.addEventListener('resume', resumed)
      addEventListener('pagehide', stored)
      addEventListener('pageshow', restored)
      return () => {
        document.removeEventListener('visibilitychange', visibility)
        document.removeEventListener('resume', resumed)
        removeEventListener('pagehide', stored)
        removeEventListener('pageshow', restored)
      }
    },
  }
}
