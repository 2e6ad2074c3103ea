// The server half in the runtime that runs this. At one address, one live server after another drains into the next,
// `MOVES` times, while `RATE` messages a second are published. On a POST it drains as for a deploy tool, or starts with
// an empty log; each response contains its memory. Prints lines of JSON.
import { createServer } from 'node:http'
import { createLiveServer, memoryLog } from 'livesocket/server'

const [moves, rate, kept] = ['MOVES', 'RATE', 'KEPT'].map((name) => Number(process.env[name] ?? 0))
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const tell = (line) => console.log(JSON.stringify(line))

const log = memoryLog({ history: { maxMessages: 20_000, maxBytes: 64 * 2 ** 20 } })
let cut = 0
const create = () =>
  createLiveServer({
    noServer: true,
    log,
    authenticate: ({ token }) =>
      token === undefined || token === 'right' ? { subject: 'anybody', tokenTtl: 600_000 } : null,
    authorize: () => true,
    filter: ({ data }) => data !== 'hidden',
    limits: { maxFrame: 65_536 },
    onEvent: ({ type }) => void (cut += type === 'leg-failed' ? 1 : 0),
    onError: (error) => console.error(error),
  })
let live = create()

const http = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  if (pathname === '/drain') void live.drain({ deadline: Number(searchParams.get('deadline')), rate: 100 })
  if (pathname === '/lose') await log.forget()
  response.end(String(process.memoryUsage().rss))
})
http.on('upgrade', (request, stream, head) => void live.upgrade(request, stream, head))
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))

for (let n = 1; n <= kept; n++) await live.publish('kept', { n, text: 'x'.repeat(1_000) })
tell({ port: http.address().port })
if (moves > 0) await roll()

async function roll() {
  while (live.stats().legs === 0) await sleep(5)
  const begun = performance.now()
  let [sent, rolling] = [0, true]
  const publishing = (async () => {
    while (rolling) {
      for (const due = ((performance.now() - begun) * rate) / 1_000; sent < due; )
        void live.publish('down', { n: ++sent })
      await sleep(2)
    }
  })()
  const result = { moved: 0, forced: 0 }
  for (let move = 0; move < moves; move++) {
    const old = live
    live = create()
    const { moved, forced } = await old.drain({ rate: 1_000, deadline: 10_000 })
    result.moved += moved
    result.forced += forced
    await old.close()
  }
  rolling = false
  await publishing
  await live.publish('down', { sent })
  tell({ ...result, sent, cut })
}
