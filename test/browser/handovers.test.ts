import { describe, expect, it } from 'vitest'
import { openLiveTab } from '../kit/live-tab.js'

describe('in real Chromium', () => {
  it('a live socket hands over under load five times, is live throughout, and loses and repeats nothing', async () => {
    const { servers, settled } = await openLiveTab({ down: 2, up: 10 })
    for (let deploy = 1; deploy <= 5; deploy++) {
      expect(await servers.deploy()).toEqual({ moved: 1, forced: 0 })
      await servers.more(100)
    }
    const { statuses, moves, received } = await settled()
    expect(statuses).toEqual([])
    expect(moves.map(({ from, to }) => [from, to])).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
      [5, 6],
    ])
    expect(servers.legs).toBe(1)
    expect(received.length).toBeGreaterThan(500)
  })

  it('frames that arrive after close() are dropped, so an old leg stays open until it has delivered everything', async () => {
    // Nothing can be replayed: what the old leg does not bring is lost.
    const { servers, tab, settled } = await openLiveTab({ history: 0 })
    for (const connection of servers.relay.connections()) connection.setDelay(800)
    servers.relay.setDelay(400)
    const [before, after] = await tab.run<[number, number]>(`(${countAroundClose})(${JSON.stringify(servers.url)})`)
    expect(before).toBeGreaterThan(0)
    expect(after).toBe(0)
    servers.relay.setDelay(0)
    await servers.deploy()
    const { statuses, moves } = await settled()
    expect(statuses).toEqual([])
    expect(moves).toHaveLength(1)
    expect(moves[0]!.overlap).toBeGreaterThan(300)
  })

  it('a peer that stops responding three times, and never answers a ping or a close(), costs nothing and delays no leg', async () => {
    const { servers, tab, settled } = await openLiveTab({ options: { heartbeat: { interval: 500, timeout: 500 } } })
    for (let time = 1; time <= 3; time++) {
      for (const connection of servers.relay.connections()) connection.freeze()
      await tab.run(`live.moved(${time})`)
      await servers.more(20)
    }
    const { statuses, moves, closed } = await settled()
    expect(statuses).toEqual([])
    // The browser itself would go on waiting for the answer to each close() for a minute.
    expect(moves.slice(0, 3)).toMatchObject([
      { reason: 'silence', from: 1 },
      { reason: 'silence' },
      { reason: 'silence' },
    ])
    expect(closed.map(({ by }) => by)).toEqual(moves.map(() => 'client'))
  })

  it('a dial that hangs does not block the next one to the same host', async () => {
    const { servers, settled } = await openLiveTab({ options: { connectTimeout: 1_000 } })
    servers.hang(1)
    expect(await servers.deploy()).toEqual({ moved: 1, forced: 0 })
    const { statuses, dialled } = await settled()
    expect([statuses, dialled]).toEqual([[], 3])
  })
})

/** In the page: how many frames a leg of its own gets before and after `close()`, while the server goes on sending. */
const countAroundClose = `async (url) => {
  const ws = new WebSocket(url, 'livesocket.v1')
  let before = 0
  let after = 0
  let closing = false
  ws.onopen = () => ws.send(JSON.stringify({ type: 'hello', session: 'a session of its own', leg: 1, topics: { load: {} } }))
  await new Promise((resolve) => {
    ws.onmessage = () => {
      if (closing) return after++
      if (++before < 10) return
      closing = true
      ws.close(1000)
      resolve()
    }
  })
  await new Promise((resolve) => { ws.onclose = resolve })
  return [before, after]
}`
