import { createLiveServer } from 'livesocket/server'
import type { LegWords, ServerKind } from '../kind.js'

let live: ReturnType<typeof createLiveServer>

export const kind: ServerKind = {
  async listen() {
    live = createLiveServer({
      port: 0,
      path: '/live',
      authenticate: () => ({ subject: 'bench' }),
      authorize: () => true,
    })
    await live.ready
    return { port: Number(new URL(live.address()).port) }
  },
  publish: (data) => live.publish('ticks', data),
}

export const words: LegWords = {
  path: '/live',
  protocols: ['livesocket.v1'],
  hello: (leg) => JSON.stringify({ type: 'hello', session: `bench-${leg}`, leg: 1, topics: { ticks: {} } }),
  hear(text) {
    if (text.startsWith('{"type":"message"')) return 'message'
    const { type } = JSON.parse(text) as { type: string }
    if (type === 'message') return 'message'
    if (type === 'ping') return { answer: '{"type":"pong"}' }
    if (type === 'error') throw new Error(text)
    return type === 'welcome' ? 'ready' : null
  },
}
