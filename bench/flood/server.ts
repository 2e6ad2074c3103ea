import { createServer } from 'node:http'
import { createLiveServer } from '../../src/server/index.js'

/**
 * The server that is flooded, in a process of its own so that its memory can be measured. `--own`: on a port of its
 * own; otherwise on an HTTP server of the application.
 */
const events: Record<string, number> = {}
const options = {
  path: '/live',
  authenticate: async ({ token }: { token?: string }) => (token === 'good' ? { subject: 'somebody' } : null),
  onEvent: (event: { type: string; reason?: string; code?: string }) => {
    const name = [event.type, event.reason ?? event.code]
      .filter((word) => word !== undefined && word.length < 20)
      .join(' ')
    events[name] = (events[name] ?? 0) + 1
  },
}
const own = process.argv.includes('--own')
const http = createServer(
  { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 },
  (_request, response) => response.end('plain'),
)
const live = own
  ? createLiveServer({ ...options, port: 0, host: '127.0.0.1' })
  : createLiveServer({ ...options, server: http })
if (!own) http.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 })
await live.ready

let peak = 0
const look = () => void (peak = Math.max(peak, process.memoryUsage.rss()))
setInterval(look, 50)
process.on('message', (asked) => {
  look()
  if (asked === 'forget') peak = 0
  process.send!({
    rss: process.memoryUsage.rss(),
    cpu: process.cpuUsage().user + process.cpuUsage().system,
    peak,
    stats: live.stats(),
    events,
  })
})
process.send!({ url: live.address() })
