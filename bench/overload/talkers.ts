import { WebSocket } from 'ws'
import { rawClient } from '../../test/kit/raw-client.js'
import { keepBooks, type Books } from '../../test/kit/books.js'
import { clientOf } from './build.js'
import { answer } from './program.js'

/** Applications in one process: some read, some have stopped reading, some publish. Nothing is judged here. */
const [kind, url] = process.argv.slice(2) as [string, string]

/** The data of a message besides its padding: its publisher, its number, and its time in milliseconds since 1970. */
interface Said {
  readonly by: string
  readonly n: number
  readonly at: number
}

interface Reader {
  readonly topic: string
  /** The record of the offsets. */
  readonly books: Books
  /** The delivery time of the newest message, ms. */
  took: number
}

/** How often the timer checks which publishes are due, ms. */
const TICK = 10
/** For how many messages the delivery time is kept. */
const REMEMBERED = 100_000

let live = 0
let dials = 0
let waiting = 0
let received = 0
const readers: Reader[] = []
const took: number[] = []
/** The messages that the first reader received, by offset. */
const heard: [offset: number, by: string, n: number][] = []
/** The messages that their publishers were told are stored. */
const kept: [offset: number, by: string, n: number][] = []
let newest = 0
const refused: Record<string, number> = {}
const publishers: ((now: number) => void)[] = []
/** `unanswered`: the number of publishes in flight; each answer is followed by the next publish. */
let published = { perSecond: 0, padding: '', unanswered: 0 }

async function connected() {
  const { createLiveSocket } = await clientOf(kind)
  const socket = createLiveSocket({ url, environment: { WebSocket } })
  let was = false
  socket.on('leg-dialling', () => void dials++)
  socket.store.subscribe(({ status }) => {
    if ((status === 'live') === was) return
    was = !was
    live += was ? 1 : -1
  })
  return socket
}

async function read(topic: string) {
  const socket = await connected()
  const reader: Reader = { topic, books: keepBooks(socket, () => performance.now()), took: 0 }
  const first = readers.push(reader) === 1
  socket.subscribe(topic, (data, { offset }) => {
    const { by, n, at } = data as Said
    received++
    reader.books.arrived(offset)
    reader.took = Date.now() - at
    if (took.length < REMEMBERED) took.push(reader.took)
    if (first) heard.push([offset, by, n])
  })
  socket.connect()
}

async function stopReading(topic: string) {
  const client = await rawClient(url)
  client.ws.on('error', () => undefined)
  await client.hello({ topics: { [topic]: {} } })
  client.ws.pause()
}

async function publish(topic: string, by: string) {
  const socket = await connected()
  let n = 0
  let due = performance.now()
  let own = 0
  const send = () => {
    waiting++
    own++
    const said: Said & { readonly padding: string } = { by, n: ++n, at: Date.now(), padding: published.padding }
    const { n: number } = said
    socket
      .publish(topic, said)
      .then(
        ({ offset }) => {
          kept.push([offset!, by, number])
          newest = Math.max(newest, offset!)
        },
        ({ code }: { code: string }) => void (refused[code] = (refused[code] ?? 0) + 1),
      )
      .finally(() => {
        waiting--
        own--
      })
  }
  publishers.push((now) => {
    while (own < published.unanswered) send()
    const each = 1_000 / published.perSecond
    if (each === Infinity) return void (due = now)
    for (; due <= now; due += each) send()
  })
  socket.connect()
}

function tick() {
  const now = performance.now()
  for (const publishDue of publishers) publishDue(now)
  setTimeout(tick, TICK)
}
tick()

interface Ask {
  readonly topic: string
  readonly readers?: number
  readonly deaf?: number
  readonly publishers?: number
  readonly name?: string
}

answer({
  async connect({ topic, readers = 0, deaf = 0, publishers = 0, name = 'publisher' }: Ask) {
    for (let at = 0; at < readers; at++) await read(topic)
    for (let at = 0; at < publishers; at++) await publish(topic, `${name}-${at}`)
    for (let at = 0; at < deaf; at++) await stopReading(topic)
  },
  /** Publishes `perSecond` messages a second in each client from now on. */
  publish: ({ perSecond, bytes, unanswered = 0 }: { perSecond: number; bytes: number; unanswered?: number }) =>
    void (published = { perSecond, padding: 'x'.repeat(bytes), unanswered }),
  forget: () => {
    dials = 0
    took.length = 0
  },
  /** Counts messages up to the offset `head`. */
  look: (head: number | null) => ({
    live,
    dials,
    waiting,
    received,
    kept: kept.length,
    head: newest,
    behind: readers.reduce((sum, { books: { account } }) => sum + Math.max(0, (head ?? 0) - account.newest), 0),
    took: Math.max(0, ...readers.map((reader) => reader.took)),
  }),
  times: () => took.sort((a, b) => a - b),
  said: () => ({ kept, refused }),
  heard: () => heard,
  /** The record of the readers up to the offset `head`. */
  balance: (head: number) => {
    const sums = { lost: 0, missed: 0, repeated: 0, reordered: 0 }
    for (const { books } of readers) {
      const { account, gaps } = books
      const missing = account.missing(head)
      const lost = missing.filter((n) => !gaps.some(({ from, to }) => (from ?? 0) <= n && n <= (to ?? Infinity)))
      sums.lost += lost.length
      sums.missed += missing.length - lost.length
      sums.repeated += account.repeated
      sums.reordered += account.reordered
    }
    return sums
  },
})
