import { expect, onTestFinished } from 'vitest'
import type { LiveSocketOptions } from '../../src/index.js'
import { BALANCED, balanceOf } from './account.js'
import { openChromiumTab, type ChromiumTab } from './chromium-tab.js'
import type { ClientRecord } from './live-client.js'
import { startLiveCluster, type LiveCluster, type LiveClusterOptions } from './live-cluster.js'
import { serveLivePages, type LivePages } from './live-page.js'

/** A page in a real browser, live on real servers; `run('live.…')` is the `LiveClient` in it. */
export interface LiveTab {
  readonly servers: LiveCluster
  readonly tab: ChromiumTab
  readonly pages: LivePages
  /**
   * Lets everything arrive and closes the books: on the way down and on the way up nothing was lost, doubled or out of
   * order, no gap was told, and every publish was answered with its place. Resolves with what happened meanwhile.
   */
  settled(): Promise<ClientRecord>
}

export interface LiveTabOptions extends LiveClusterOptions {
  /** What the live socket is created with, besides its URL: plain data. */
  options?: Partial<LiveSocketOptions>
  /** Milliseconds between two messages to the page, and between two publishes of it. Default 10 and 50. */
  down?: number
  up?: number
}

/** Resolves when messages flow both ways. Everything is gone when the test is over. */
export async function openLiveTab({
  options = {},
  down = 10,
  up = 50,
  ...cluster
}: LiveTabOptions = {}): Promise<LiveTab> {
  const servers = await startLiveCluster(cluster)
  onTestFinished(() => servers.close())
  const pages = await serveLivePages()
  onTestFinished(() => pages.close())
  const tab = await openChromiumTab()
  onTestFinished(() => tab.close())
  servers.publishEvery(down)
  await tab.open(pages.live(servers.url, options))
  await tab.run(`live.publishEvery(${up})`)
  await tab.run(`live.reached(${servers.published + 20})`)
  return {
    servers,
    tab,
    pages,
    async settled() {
      servers.stopPublishing()
      await tab.run('live.stopPublishing()')
      await tab.run(`live.settled(${servers.published})`)
      const record = await tab.run<ClientRecord>('live.record()')
      expect(balanceOf(record.received, servers.published)).toEqual(BALANCED)
      expect(record.gaps).toEqual([])
      const numbers = record.outcomes.map((_, at) => at + 1)
      expect(record.outcomes).toEqual(numbers)
      expect(servers.applied).toEqual(numbers)
      return record
    },
  }
}
