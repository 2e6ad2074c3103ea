import { listenTo } from './listening.js'

/** The state of the page that this client runs in. */
export interface Page {
  hidden(): boolean
  /** The page is loaded before a user has opened it. Absent: never. */
  prerendering?(): boolean
  /** Reports changes; returns the undo. */
  subscribe(listener: (change: PageChange) => void): () => void
}

/**
 * - `shown`, `hidden`: the tab came to the front or left it; timers of a hidden tab run as rarely as once a minute.
 * - `stored`: the page goes into the back/forward cache and may come back from it.
 * - `restored`: it came back from that cache; its sockets may be dead without any event.
 * - `resumed`: it was frozen and runs again.
 * - `activated`: it was prerendered, and a user opens it.
 * - `leaving`: the user follows a link, which may lead away from the page or be a download.
 */
export type PageChange = 'shown' | 'hidden' | 'stored' | 'restored' | 'resumed' | 'activated' | 'leaving'

/** The document's own events. Without a document, nothing is ever reported. */
export const browserPage: Page = {
  hidden: () => typeof document === 'object' && document.visibilityState === 'hidden',
  prerendering: () => typeof document === 'object' && (document as { prerendering?: boolean }).prerendering === true,
  subscribe(listener) {
    if (typeof document !== 'object' || typeof addEventListener !== 'function') return ignore
    const tells = (change: PageChange) => () => listener(change)
    const tellsOfCache = (change: PageChange) => (event: Event) =>
      (event as PageTransitionEvent).persisted && listener(change)
    const stops = [
      listenTo(document, {
        visibilitychange: () => listener(browserPage.hidden() ? 'hidden' : 'shown'),
        resume: tells('resumed'),
        prerenderingchange: tells('activated'),
      }),
      listenTo(globalThis, {
        beforeunload: tells('leaving'),
        pagehide: tellsOfCache('stored'),
        pageshow: tellsOfCache('restored'),
      }),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  },
}

function ignore() {}
