/** What becomes of the page that we live in. */
export interface Page {
  hidden(): boolean
  /** It is loaded before anybody has asked for it. Absent: never. */
  prerendering?(): boolean
  /** Tells what happened; returns the undo. */
  subscribe(listener: (change: PageChange) => void): () => void
}

/**
 * - `shown`, `hidden`: the tab came to the front or left it; timers of a hidden one run as seldom as once a minute.
 * - `stored`: the page goes into the back/forward cache and may come back from it.
 * - `restored`: it came back; its sockets may be dead without having said so.
 * - `resumed`: it was frozen and is not any more.
 * - `activated`: it was prerendered, and somebody opens it.
 * - `leaving`: somebody follows a link, which may lead away from it or be a download.
 */
export type PageChange = 'shown' | 'hidden' | 'stored' | 'restored' | 'resumed' | 'activated' | 'leaving'

/** The document's own events; where there is no document, nothing ever happens. */
export function browserPage(): Page {
  return {
    hidden: () => typeof document === 'object' && document.visibilityState === 'hidden',
    prerendering: () => typeof document === 'object' && (document as { prerendering?: boolean }).prerendering === true,
    subscribe(listener) {
      if (typeof document !== 'object' || typeof addEventListener !== 'function') return () => {}
      const visibility = () => listener(document.visibilityState === 'hidden' ? 'hidden' : 'shown')
      const stored = (event: PageTransitionEvent) => event.persisted && listener('stored')
      const restored = (event: PageTransitionEvent) => event.persisted && listener('restored')
      const resumed = () => listener('resumed')
      const activated = () => listener('activated')
      const leaving = () => listener('leaving')
      document.addEventListener('visibilitychange', visibility)
      document.addEventListener('resume', resumed)
      document.addEventListener('prerenderingchange', activated)
      addEventListener('beforeunload', leaving)
      addEventListener('pagehide', stored)
      addEventListener('pageshow', restored)
      return () => {
        document.removeEventListener('visibilitychange', visibility)
        document.removeEventListener('resume', resumed)
        document.removeEventListener('prerenderingchange', activated)
        removeEventListener('beforeunload', leaving)
        removeEventListener('pagehide', stored)
        removeEventListener('pageshow', restored)
      }
    },
  }
}
