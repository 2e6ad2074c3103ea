import type { LiveSocketOptions } from '../../src/index.js'
import type { LiveCluster } from '../../test/kit/live-cluster.js'
import type { LivePages } from '../../test/kit/live-page.js'
import type { TlsFront, TlsFrontOptions } from '../../test/kit/tls-front.js'
import { sleep } from '../../test/kit/wait.js'
import type { BrowserName, DrivenTab } from './driven-browser.js'

/** What a scenario uses: live pages that publish and receive. */
export interface Stage {
  readonly servers: LiveCluster
  readonly pages: LivePages
  /** The page that the scenario acts on. */
  readonly tab: DrivenTab
  readonly tabs: readonly DrivenTab[]
  /** Present if the scenario asks for one. */
  readonly front?: TlsFront
  /** A quick run: the same steps with fewer repetitions. */
  readonly small: boolean
}

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly tabs?: (small: boolean) => number
  /** Options in addition to the URL. */
  readonly options?: Partial<LiveSocketOptions>
  /** The proxy in front of pages and servers. `second`: the pages also know it by another host name. */
  readonly front?: { readonly speaks: TlsFrontOptions['speaks']; readonly second: boolean }
  /** The longest time that a page may be not live, ms. 0: it must be live throughout. */
  readonly away: number
  /** Browsers in which the scenario cannot run, and why. */
  readonly cannot?: Partial<Record<BrowserName, string>>
  /** Resolves with a note for the report. */
  play(stage: Stage): Promise<string | void>
}

/** If only this client was hit, it must be back within this time, ms. */
const BACK = 2_000

/** The spread over which a crashed server's clients come back, ms. */
const SPREAD = 2_000

/**
 * Silence is found within a second, and another leg is opened beside the silent one. The other leg must serve by then,
 * ms.
 */
const MUTE_LIMIT = 6_000

const HALF_SECOND = { heartbeat: { interval: 500, timeout: 500 } }

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'moves',
    title: 'planned handovers under load, one after another',
    away: 0,
    async play({ servers, small }) {
      for (let left = small ? 3 : 10; left > 0; left--) {
        await servers.deploy()
        await servers.more(50)
      }
    },
  },
  {
    name: 'ten-tabs',
    title: 'ten tabs (three in a quick run) that all hand over at once',
    tabs: (small) => (small ? 3 : 10),
    away: 0,
    async play({ servers, small }) {
      for (let left = small ? 2 : 3; left > 0; left--) {
        await servers.deploy()
        await servers.more(50)
      }
    },
  },
  {
    name: 'hung-dial',
    title: 'a handover whose first dial is accepted and never answered',
    options: { connectTimeout: 4_000 },
    away: 0,
    async play({ servers }) {
      servers.hang(1)
      await servers.deploy({ deadline: 30_000 })
    },
  },
  {
    name: 'closed-door',
    title: 'a handover whose dials are refused for 8 s (3 s in a quick run)',
    away: 0,
    async play({ servers, small }) {
      servers.relay.refuse(true)
      const moved = servers.deploy({ deadline: 60_000 })
      await sleep(small ? 3_000 : 8_000)
      servers.relay.refuse(false)
      const before = servers.published
      await moved
      return `handed over ${servers.published - before} messages after the door opened`
    },
  },
  {
    name: 'mute',
    title: 'a path that goes silent without a close, twice',
    options: HALF_SECOND,
    away: 0,
    async play({ servers, tab }) {
      for (let time = 1; time <= 2; time++) {
        for (const connection of servers.relay.connections()) connection.freeze()
        await tab.run(`live.moved(${time})`)
        await servers.more(50)
      }
    },
  },
  ...(
    [
      ['tls-mute', 'http1', false, 'over TLS and HTTP/1.1'],
      ['http2-mute', 'http2', true, 'of HTTP/2 with all sockets of a page, whose url function names another host'],
      ['http2-separate', 'separate', false, 'of HTTP/2, where HAProxy keeps sockets out of it'],
    ] as const
  ).map(
    ([name, speaks, second, how]): Scenario => ({
      name,
      title: `a TCP connection ${how} goes silent without a close`,
      options: HALF_SECOND,
      front: { speaks, second },
      away: 0,
      cannot: { webkit: 'it cannot be told to accept a certificate' },
      async play({ servers, tab, front }) {
        const { relay } = front!
        const newest = () => relay.connections().at(-1)!.number
        const before = newest()
        await tab.run('live.socket.handover()')
        if ((newest() === before) !== (speaks === 'http2'))
          throw new Error('Sockets share a connection where they should not, or do not where they should.')
        const from = performance.now()
        for (const connection of relay.connections()) connection.freeze()
        await tab.run('live.moved(2)')
        const took = Math.round(performance.now() - from)
        if (took > MUTE_LIMIT)
          throw new Error(`Another leg served after ${took} ms, where ${MUTE_LIMIT} ms are allowed.`)
        await servers.more(50)
        return `another leg served after ${took} ms`
      },
    }),
  ),
  {
    name: 'crash',
    title: `a server dies with all its connections, and its clients come back spread over ${SPREAD / 1_000} s`,
    options: { reconnect: { spread: SPREAD } },
    // The spread, the 250 ms before it, and the browser's own delay of a dial after a failure.
    away: SPREAD + 1_500,
    async play({ servers, tab }) {
      await servers.crash()
      await servers.more(20)
      await tab.run(`live.reached(${servers.published})`)
    },
  },
  {
    name: 'download',
    title: 'download links, followed once, twice during a dial, during a handover, and five times in five seconds',
    away: BACK,
    async play({ servers, pages, tab }) {
      const follow = () =>
        tab.run(
          `(live.awayFromNow(), Object.assign(document.createElement('a'), { href: ${JSON.stringify(pages.download)} }).click())`,
        )
      const settle = async () => {
        await sleep(2_000)
        await tab.run('live.live()')
      }
      // The delay gives the next click time to come during the dial.
      servers.relay.setDelay(100)
      await follow()
      await settle()
      const once = (await tab.run<{ code: number }[]>('live.record().closed')).map(({ code }) => code)
      await follow()
      await sleep(300)
      await follow()
      await settle()
      const moved = servers.deploy()
      await sleep(100)
      await follow()
      await moved
      await settle()
      for (let left = 5; left > 0; left--) {
        await follow()
        await sleep(1_000)
      }
      await settle()
      return once.length > 0 ? `a link closes the socket with ${once.join(' ')}` : 'a link closes nothing'
    },
  },
  {
    name: 'back-and-forward',
    title: 'leaving the page, then back, forward and back again',
    away: BACK,
    async play({ servers, pages, tab }) {
      await tab.open(pages.elsewhere)
      await servers.more(50)
      await tab.back()
      await arrival(tab, '/live')
      await tab.run('live.live()')
      await servers.more(50)
      await tab.forward()
      await arrival(tab, '/elsewhere')
      await servers.more(50)
      await tab.back()
      await arrival(tab, '/live')
      await tab.run('live.live()')
      await servers.more(50)
      const life = await tab.run<string[]>('life')
      return life.includes('pageshow persisted')
        ? 'the page came from the back/forward cache'
        : 'the page was loaded again'
    },
  },
  {
    name: 'hidden',
    title: 'a hidden tab that hands over and is shown again',
    away: 0,
    async play({ servers, tab, small }) {
      await tab.hide()
      const seen = await tab.run<string>('document.visibilityState')
      if (seen !== 'hidden') throw new Error(`The page is ${seen}: it could not be hidden.`)
      await sleep(small ? 3_000 : 40_000)
      await servers.deploy({ deadline: 20_000 })
      await servers.more(50)
      await tab.show()
      await servers.more(50)
    },
  },
  {
    name: 'offline',
    title: 'the browser has no network for 4 s, and its connections break meanwhile',
    away: 4_000 + BACK,
    cannot: { webkit: 'WebDriver cannot take its network away' },
    async play({ servers, tab }) {
      await tab.offline!(true)
      await sleep(1_000)
      servers.relay.cut()
      await sleep(3_000)
      await tab.offline!(false)
      await servers.more(50)
      await tab.run('live.live()')
    },
  },
]

/** Drivers answer a step through the history as soon as they accept it, which can be before the page is loaded. */
async function arrival(tab: DrivenTab, path: string) {
  for (let left = 200; left > 0; left--) {
    // Between two pages there is no page that can be asked.
    const at = await tab.run<string>("document.readyState === 'complete' && location.pathname").catch(() => undefined)
    if (at === path) return
    await sleep(50)
  }
  throw new Error(`The history did not lead to ${path} within 10 s.`)
}
