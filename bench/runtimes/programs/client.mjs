// The client half in the runtime that runs this, connected to the server at `PORT`. It reads through all handovers and
// publishes meanwhile, or reads the `KEPT` messages that it missed. Prints what it saw as a line of JSON.
import { createLiveSocket } from 'livesocket'

const kept = Number(process.env.KEPT ?? 0)
const environment = globalThis.WebSocket ? undefined : { WebSocket: (await import('ws')).WebSocket }
const socket = createLiveSocket({ url: `ws://127.0.0.1:${process.env.PORT}/`, ...(environment && { environment }) })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const saw = { seen: 0, repeated: 0, reordered: 0, gaps: 0, notLive: 0, published: 0, refused: 0, echoed: 0 }
socket.on('gap', () => saw.gaps++)
let live = false
socket.store.subscribe(({ status, lastError }) => {
  if (status === 'closed') {
    console.error(lastError)
    process.exit(1)
  }
  if (live && status !== 'live') saw.notLive++
  live = status === 'live'
})

// Two concurrent publishes may be in the log in either order, so the order of the offsets counts.
const known = new Set()
let last = 0
function count({ n }, { offset }) {
  if (known.has(n)) saw.repeated++
  else saw.seen++
  known.add(n)
  if (offset <= last) saw.reordered++
  last = offset
}

let all
if (kept > 0) {
  all = await new Promise((resolve) => {
    const slowly = ({ n }, message) => {
      count({ n }, message)
      for (const until = performance.now() + 0.2; performance.now() < until; );
      if (n === kept) resolve(n)
    }
    socket.subscribe('kept', slowly, { from: { last: kept } })
    socket.connect()
  })
} else {
  socket.subscribe('up', () => saw.echoed++)
  const publishing = setInterval(() => {
    const n = ++saw.published
    socket.publish('up', { n }).catch(() => saw.refused++)
  }, 10)
  all = await new Promise((resolve) => {
    socket.subscribe('down', (data, message) => (data.sent === undefined ? count(data, message) : resolve(data.sent)))
    socket.connect()
  })
  clearInterval(publishing)
  for (let turns = 0; saw.echoed + saw.refused < saw.published && turns < 200; turns++) await sleep(10)
}
const { handovers, reconnects } = socket.stats()
console.log(JSON.stringify({ ...saw, lost: all - saw.seen, handovers, reconnects }))
process.exit(0)
