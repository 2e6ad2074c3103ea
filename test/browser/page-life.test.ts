import { describe, expect, it } from 'vitest'
import { openLiveTab } from '../kit/live-tab.js'

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** 100 messages a second down and 20 publishes a second up; `settled` holds both against what the servers know. */
describe('a page in real Chromium loses nothing and gets nothing twice', () => {
  it('when it is offline for 5 s, with a socket that is dead but not closed', async () => {
    const { servers, tab, settled } = await openLiveTab()
    await tab.offline(true)
    await pass(5_000)
    await tab.offline(false)
    await servers.more(50)
    const { statuses, longestSilence } = await settled()
    expect(longestSilence).toBeGreaterThan(4_500)
    expect(statuses).toEqual([])
    expect(servers.legs).toBe(1)
  })

  it('when it is frozen for 10 s and resumes', async () => {
    const { servers, tab, settled } = await openLiveTab()
    await tab.freeze()
    await pass(10_000)
    tab.thaw()
    await servers.more(50)
    const { statuses, longestSilence } = await settled()
    expect(longestSilence).toBeGreaterThan(9_500)
    // What waited to be read was read before anybody was called silent.
    expect(statuses).toEqual([])
  })

  it('when it enters the back/forward cache and comes back, including messages on their way and publishes made while leaving', async () => {
    const { servers, tab, pages, settled } = await openLiveTab({ delay: 100 })
    await tab.run(`addEventListener('pagehide', () => live.publish())`)
    await tab.run('for (let count = 0; count < 5; count++) live.publish()')
    await tab.leave(pages.elsewhere)
    await servers.more(50)
    expect(servers.legs).toBe(0)
    await servers.more(50)
    await tab.comeBack()
    await servers.more(50)
    const { statuses, dialled, closed } = await settled()
    expect(closed).toEqual([{ leg: 1, code: 4000, reason: 'the page is stored', by: 'client' }])
    expect([statuses, dialled]).toEqual([['reconnecting', 'live'], 2])
  })

  it('when another tab posts about its token while the page is in the back/forward cache, which takes no page back that listens', async () => {
    const { servers, tab, pages, settled } = await openLiveTab()
    await tab.leave(pages.elsewhere)
    await tab.run(`{
      const name = Object.keys(localStorage).find((key) => key.endsWith(':session')).slice(0, -':session'.length)
      new BroadcastChannel(name).postMessage({ kind: 'ask', session: 0 })
    }`)
    await servers.more(50)
    await tab.comeBack()
    await servers.more(50)
    const { statuses, dialled } = await settled()
    expect([statuses, dialled]).toEqual([['reconnecting', 'live'], 2])
  })

  it('when it hands over while it is hidden and its timers run once a second', async () => {
    const { servers, tab, settled } = await openLiveTab()
    await tab.minimise()
    expect(await tab.run('document.visibilityState')).toBe('hidden')
    const before = servers.applied.length
    await servers.more(200)
    await servers.deploy({ deadline: 8_000 })
    const { statuses, moves } = await settled()
    expect(servers.applied.length - before).toBeLessThan(15)
    expect(statuses).toEqual([])
    expect(moves).toMatchObject([{ reason: 'deploy' }])
  })

  it('when the browser freezes it in the background, whether or not its socket survives', async () => {
    const { servers, tab, settled } = await openLiveTab()
    await tab.minimise()
    await tab.lifecycle('frozen')
    await servers.more(300)
    // The browser answers for the page: to the server it looks alive.
    expect(servers.legs).toBe(1)
    await tab.lifecycle('active')
    await servers.more(50)
    const { statuses, dialled, closed, longestSilence } = await settled()
    expect(longestSilence).toBeGreaterThan(2_500)
    // Chromium 156 closes the socket as the page thaws; 147 keeps it, and tells.
    const lost = closed.length > 0
    expect(closed.map(({ code }) => code)).toEqual(lost ? [1006] : [])
    expect([statuses, dialled]).toEqual(lost ? [['reconnecting', 'live'], 2] : [[], 1])
  })
})
