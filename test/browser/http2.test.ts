import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { doctor } from '../../src/cli/doctor.js'
import type { FrameSocketClass } from '../../src/cli/frame-client.js'
import { describeBrowser } from './browser-promises.js'
import { startLiveCluster } from '../kit/live-cluster.js'
import { startTlsFront } from '../kit/tls-front.js'

/** Behind HAProxy. Where nothing is done about it each dial hangs until the browser gives the connection up, 20 s and more. */
const PROMISES = {
  'http2-mute':
    'when the one HTTP/2 connection of its sockets dies silently and its url function names another host: another leg serves within 6 s, as over HTTP/1.1, and the page is live throughout',
  'http2-separate':
    'when its HTTP/2 connection dies silently, and HAProxy keeps sockets out of it as docs/deploys.md says',
}
describeBrowser('chromium', PROMISES)
describeBrowser('firefox', { 'http2-mute': PROMISES['http2-mute'] })

describe('the doctor', () => {
  it.each([
    ['http2', true],
    ['separate', false],
    ['http1', false],
  ] as const)('behind HAProxy that speaks %s warns of HTTP/2 in the way: %s', async (speaks, warns) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const servers = await startLiveCluster()
    const front = await startTlsFront({ pages: 9, servers: Number(new URL(servers.url).port), speaks })
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await front.close()
      await servers.close()
    })
    const said = await doctor({
      url: front.url,
      WebSocket: WebSocket as unknown as FrameSocketClass,
      idle: 20,
      patience: 3_000,
    })
    const shares = said.filter(({ health, text }) => health === 'mind' && /inside one HTTP\/2 connection/.test(text))
    expect(shares).toHaveLength(warns ? 1 : 0)
    expect(said.filter(({ health }) => health === 'good').length).toBeGreaterThan(0)
  })
})
