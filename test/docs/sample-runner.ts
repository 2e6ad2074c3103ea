import { pathToFileURL } from 'node:url'
import { createSimulation } from 'livesocket/testing'

/**
 * Runs one sample of the docs in a process of its own, in a world in which its servers answer: `wss://example.com` is a
 * simulated cluster whose clock runs as fast as it can. What a sample starts and leaves running ends with the process.
 */
const sim = createSimulation({ seed: 1 })
const WebSocket = sim.environment.WebSocket as new (url: string, protocols?: string | string[]) => object
Object.assign(globalThis, {
  WebSocket: class {
    constructor(url: string, protocols?: string | string[]) {
      return new WebSocket(url.replace(/^wss:\/\/example\.com\/live/, sim.url), protocols)
    }
  },
  fetch: async () => ({
    status: 200,
    ok: true,
    json: async () => sim.getToken({ reason: 'first', signal: new AbortController().signal }),
  }),
})

const failed = (error: unknown) => {
  console.error(error)
  process.exit(1)
}
process.on('uncaughtException', failed)
process.on('unhandledRejection', failed)
const stop = sim.play(20)
await import(pathToFileURL(process.argv[2]!).href)
stop()
console.log('the sample ran')
process.exit(0)
