import { startLiveClient, type ClientRecord, type LiveClient } from './live-client.js'

/** The script of the page that `live-page.ts` serves: starts a live socket with the options in the page's address. */
declare global {
  interface Window {
    live: LiveClient
    /** The page's lifecycle events, as the browser sent them. */
    life: string[]
    /** The records of live sockets of earlier pages in this tab. */
    before: ClientRecord[]
  }
}

window.life = []
for (const type of ['pagehide', 'pageshow'] as const)
  addEventListener(type, ({ persisted }) => void window.life.push(`${type} ${persisted ? 'persisted' : 'new'}`))
document.addEventListener('visibilitychange', () => void window.life.push(document.visibilityState))

const query = new URLSearchParams(location.search)
const [url, second] = [query.get('url')!, query.get('second')]
window.live = startLiveClient(
  second ? ({ failed }) => (failed?.startsWith(url) ? second : url) : url,
  JSON.parse(query.get('options') ?? '{}') as object,
)

window.before = JSON.parse(sessionStorage.getItem('before') ?? '[]') as ClientRecord[]
addEventListener('pageshow', ({ persisted }) => persisted && window.live.awayFromNow())
addEventListener(
  'pagehide',
  ({ persisted }) =>
    !persisted && sessionStorage.setItem('before', JSON.stringify([...window.before, window.live.record()])),
)
