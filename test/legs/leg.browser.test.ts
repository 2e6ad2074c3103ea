import { afterEach, describe, expect, inject, it } from 'vitest'
import { createLeg, type Leg } from '../../src/legs/leg.js'

const server = inject('fateUrl')
const legs: Leg[] = []
afterEach(() => legs.splice(0).forEach((leg) => leg.close()))

/** A leg with this browser's own WebSocket. A test can wait for its events one after the other. */
function dialLeg(url: string, subprotocols: string[] = ['livesocket.v1']) {
  const events: unknown[] = []
  let wake = () => {}
  const tell = (event: unknown) => {
    events.push(event)
    wake()
  }
  const leg = createLeg({ url, subprotocols }, { opened: () => tell('opened'), received: tell, died: tell })
  legs.push(leg)
  const next = async () => {
    while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return events.shift()
  }
  return { leg, next, events }
}

const failedDial = { code: 1006, reason: '', opened: false }

describe('a leg in a real browser', () => {
  it('carries text and bytes both ways, in order', async () => {
    const { leg, next } = dialLeg(`${server}/echo`)
    expect(leg.send('too early')).toBe(false)
    expect(await next()).toBe('opened')
    expect(leg.send('hello')).toBe(true)
    leg.send(new Uint8Array([1, 2, 3]).buffer)
    leg.send('bye')
    expect(await next()).toBe('hello')
    expect(new Uint8Array((await next()) as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]))
    expect(await next()).toBe('bye')
  })

  it.each([
    { path: '/close?code=1000&reason=bye', death: { code: 1000, reason: 'bye', opened: true } },
    { path: '/close?code=1012', death: { code: 1012, reason: '', opened: true } },
    { path: '/close?code=4401&reason=token', death: { code: 4401, reason: 'token', opened: true } },
    { path: '/close-without-code', death: { code: 1005, reason: '', opened: true } },
    { path: '/vanish', death: { code: 1006, reason: '', opened: true } },
    { path: '/break-framing', death: { code: 1006, reason: '', opened: true } },
  ])('dies once, with the close code of the server, at $path', async ({ path, death }) => {
    const { leg, next, events } = dialLeg(server + path)
    expect(await next()).toBe('opened')
    leg.send('now')
    expect(await next()).toEqual(death)
    expect(events).toEqual([])
  })

  it.each(['/refuse', '/no-subprotocol'])('fails its dial at %s', async (path) => {
    expect(await dialLeg(server + path).next()).toEqual(failedDial)
  })

  it('fails its dial if nothing listens on the port', async () => {
    expect(await dialLeg('ws://127.0.0.1:9').next()).toMatchObject({ code: 1006, opened: false })
  })

  it.each(['ws://', 'ftp://127.0.0.1/', 'ws://127.0.0.1/#fragment'])(
    'fails its dial to the URL "%s", later',
    async (url) => {
      const { next, events } = dialLeg(url)
      expect(events).toEqual([])
      expect(await next()).toEqual({
        ...failedDial,
        code: 0,
        reason: 'the WebSocket constructor refused the URL or the subprotocols (SyntaxError)',
      })
    },
  )

  it('reports nothing after close(), not even during its dial, and does not keep the next dial waiting', async () => {
    const hung = dialLeg(`${server}/hang`)
    const unborn = dialLeg(`${server}/echo`)
    unborn.leg.close()
    const open = dialLeg(`${server}/echo`)
    // Browsers dial a host once at a time, so this leg opens only when the hung dial is closed.
    await new Promise((resolve) => setTimeout(resolve, 0))
    hung.leg.close()
    expect(await open.next()).toBe('opened')
    open.leg.send('answered')
    open.leg.close()
    const later = dialLeg(`${server}/echo`)
    expect(await later.next()).toBe('opened')
    expect([...hung.events, ...unborn.events, ...open.events]).toEqual([])
  })

  it('sends a close code and a reason that the browser accepts, whatever it is given', async () => {
    for (const [code, reason] of [
      [1001, ''],
      [1012, 'x'.repeat(500)],
      [70_000, '😀'.repeat(200)],
    ] as const) {
      const { leg, next } = dialLeg(`${server}/echo`)
      expect(await next()).toBe('opened')
      expect(() => leg.close(code, reason)).not.toThrow()
    }
  })
})
