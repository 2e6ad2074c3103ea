import { expect, onTestFinished } from 'vitest'
import type { LiveSocketOptions } from '../../src/index.js'
import { BALANCED, balanceOf } from './account.js'
import { openChromiumTab, type ChromiumTab } from './chromium-tab.js'
import type { ClientRecord } from './live-client.js'
import { startLiveCluster, type LiveCluster, type LiveClusterOptions } from './live-cluster.js'
import { serveLivePages, type LivePages } from './live-page.js'

/** A page in a real browser, connected to real servers. `run('live.…')` calls the page's `LiveClient`. */
export interface LiveTab {
  readonly servers: LiveCluster
  readonly tab: ChromiumTab
  readonly pages: LivePages
  /**
   * Waits until everything has arrived and checks the books: in both directions nothing was lost, repeated or reordered,
   * there was no gap, and every publish was answered with its offset. Resolves with the record.
   */
  settled(): Promise<ClientRecord>
}

export interface LiveTabOptions extends LiveClusterOptions {
  /** Options of the live socket besides its URL, as plain data. */
  options?: Partial<LiveSocketOptions>
  /** Milliseconds between two messages to the page, and between two publishes of the page. Default 10 and 50. */
  down?: number
  up?: number
}

/** Resolves when messages flow in both directions. Everything is closed at the end of the test. */
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
