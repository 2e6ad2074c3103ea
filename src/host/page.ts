import { listenTo } from './listening.js'

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
