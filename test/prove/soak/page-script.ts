import { createLiveSocket, type LiveSocketOptions } from '../../../src/index.js'
import { keepBooks } from '../../kit/books.js'
import { countHeld, type Held } from './held.js'

/** What happened to a page so far, in numbers, so that the record does not grow. */
export interface Sample extends Held {
  readonly status: string
  readonly newest: number
  readonly delivered: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  readonly published: number
  readonly acknowledged: number
  /** Publishes that settled in any other way. */
  readonly refused: number
  readonly moves: number
  readonly reconnects: number
  readonly tokens: number
}

declare global {
  interface Window {
    soak: { sample(published: number): Sample; stop(): void }
  }
}

const query = new URLSearchParams(location.search)
const held = countHeld()
const counts = { published: 0, acknowledged: 0, refused: 0, tokens: 0 }
const { life, ...options } = JSON.parse(query.get('options')!) as Partial<LiveSocketOptions> & { readonly life: number }
const socket = createLiveSocket<{ load: number; mine: number }>({
  ...options,
  url: query.get('url')!,
  getToken: async () => ({ token: `token ${++counts.tokens}`, ttl: life }),
})
const books = keepBooks(socket, () => performance.now())
socket.subscribe('load', books.arrived)
socket.connect()
const timer = setInterval(() => {
  socket.publish('mine', ++counts.published).then(
    () => void counts.acknowledged++,
    () => void counts.refused++,
  )
}, 500)

window.soak = {
  sample(published) {
    const { handovers, reconnects } = socket.stats()
    const { newest, delivered, repeated, reordered } = books.account
    return {
      ...held(),
      ...counts,
      newest,
      delivered,
      repeated,
      reordered,
      lost: books.account.lost(published),
      gaps: books.gaps.length,
      status: socket.store.getState().status,
      moves: handovers,
      reconnects,
    }
  },
  stop: () => clearInterval(timer),
}
