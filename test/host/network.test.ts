import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserNetwork, type NetworkHint } from '../../src/host/network.js'

afterEach(() => vi.unstubAllGlobals())

/** The parts of a window and its navigator that concern the network. */
function browser(connection?: Record<string, unknown>) {
  const window = new EventTarget()
  const navigator = {
    onLine: true,
    ...(connection ? { connection: Object.assign(new EventTarget(), connection) } : {}),
  }
  vi.stubGlobal('navigator', navigator)
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
  return {
    navigator,
    tell: (type: string) => window.dispatchEvent(new Event(type)),
    becomes(fields: Record<string, unknown>) {
      Object.assign(navigator.connection!, fields)
      navigator.connection!.dispatchEvent(new Event('change'))
    },
  }
}

function listen() {
  const hints: NetworkHint[] = []
  const undo = browserNetwork.subscribe((hint) => void hints.push(hint))
  return { hints, undo }
}

describe('the network as the browser reports it', () => {
  it('gives `offline` and `online` events and state', () => {
    const { navigator, tell } = browser()
    const { hints } = listen()
    tell('offline')
    tell('online')
    expect(hints).toEqual(['offline', 'online'])
    navigator.onLine = false
    expect(browserNetwork.online()).toBe(false)
  })

  it.each([
    ['Wi-Fi to mobile', { type: 'wifi', effectiveType: '4g' }, { type: 'cellular' }],
    ['one Wi-Fi to another', { type: 'wifi', downlinkMax: 433 }, { downlinkMax: 54 }],
    ['4G to 3G, where the browser names no type', { effectiveType: '4g' }, { effectiveType: '3g' }],
  ])('reports a change from %s, once', (_, before, after) => {
    const { becomes } = browser(before)
    const { hints } = listen()
    becomes(after)
    becomes(after)
    expect(hints).toEqual(['change'])
  })

  it('reports no change for a new estimate of round trip and throughput', () => {
    const { becomes } = browser({ type: 'wifi', effectiveType: '4g', rtt: 50, downlink: 10 })
    const { hints } = listen()
    becomes({ rtt: 150, downlink: 2.5 })
    expect(hints).toEqual([])
  })

  it('reports nothing after the undo', () => {
    const { tell, becomes } = browser({ type: 'wifi' })
    const { hints, undo } = listen()
    undo()
    tell('online')
    becomes({ type: 'cellular' })
    expect(hints).toEqual([])
  })

  it('counts as online without a browser, or in an old one', () => {
    vi.stubGlobal('navigator', undefined)
    vi.stubGlobal('addEventListener', undefined)
    expect(browserNetwork.online()).toBe(true)
    expect(() => listen().undo()).not.toThrow()
    vi.stubGlobal('navigator', {})
    expect(browserNetwork.online()).toBe(true)
  })

  it('is not watched before the first subscription', () => {
    const add = vi.fn()
    vi.stubGlobal('addEventListener', add)
    browserNetwork
    expect(add).not.toHaveBeenCalled()
  })
})
