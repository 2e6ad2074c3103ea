import { sleep } from '../../test/kit/wait.js'
import { balanceOf, type Balance } from '../../test/kit/account.js'
import type { ClientRecord } from '../../test/kit/live-client.js'
import { startLiveCluster, type LiveCluster } from '../../test/kit/live-cluster.js'
import { serveLivePages } from '../../test/kit/live-page.js'
import { startTlsFront } from '../../test/kit/tls-front.js'
import type { BrowserName, DrivenBrowser, DrivenTab } from './driven-browser.js'
import type { Scenario } from './scenarios.js'

/** The result of one scenario in one browser, from the records of its pages and of the servers. */
export interface Outcome {
  readonly browser: BrowserName
  readonly scenario: string
  readonly delivered: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  readonly published: number
  /**
   * Publishes that were answered but not applied, were applied twice, or were not answered although the page is still
   * open.
   */
  readonly publishesWrong: number
  readonly moves: number
  /** The longest time that a page was not live, ms. For a page that was loaded again, counted from its beginning. */
  readonly away: number
  readonly note: string
  /** Each broken promise, as a sentence. */
  readonly broken: readonly string[]
}

/** Each page receives 100 messages a second, and publishes 20 a second. */
const DOWN = 10
const UP = 50

/** A scenario that takes longer hangs, ms. */
const LIMIT = 180_000

export async function runScenario(
  browser: DrivenBrowser,
  scenario: Scenario,
  { small }: { small: boolean },
): Promise<Outcome> {
  const servers = await startLiveCluster()
  const pages = await serveLivePages()
  const front =
    scenario.front &&
    (await startTlsFront({ ...scenario.front, pages: pages.port, servers: Number(new URL(servers.url).port) }))
  const address = front
    ? pages
        .live(front.url, scenario.options, scenario.front!.second ? front.second : undefined)
        .replace(/^[^/]+\/\/[^/]+/, front.origin)
    : pages.live(servers.url, scenario.options)
  const tabs: DrivenTab[] = []
  /** What the scenario was doing when it reached the limit. */
  let phase = 'opening its pages'
  const play = async () => {
    servers.publishEvery(DOWN)
    for (let count = scenario.tabs?.(small) ?? 1; count > 0; count--) {
      const tab = await browser.openTab()
      tabs.push(tab)
      await tab.open(address)
      await tab.run(`live.publishEvery(${UP})`)
      await tab.run(`live.reached(${servers.published + 20})`)
    }
    phase = 'being played'
    const note = await scenario.play({ servers, pages, tab: tabs[0]!, tabs, small, ...(front && { front }) })
    phase = 'waiting for what was published'
    const records = await closeBooks(servers, tabs)
    return judge(browser.name, scenario, servers, records, note ?? '')
  }
  try {
    return await Promise.race([
      play(),
      sleep(LIMIT).then(async () => {
        const states = await Promise.all(
          tabs.map((tab) => Promise.race([tab.run<string>(STATE).catch(String), sleep(5_000).then(() => 'no answer')])),
        )
        throw new Error(
          `After ${LIMIT / 1_000} s it was still ${phase}; ${servers.published} published; pages: ${states.join(' · ')}`,
        )
      }),
    ])
  } finally {
    for (const tab of tabs) await tab.close().catch(() => undefined)
    await front?.close()
    await servers.close()
    await pages.close()
  }
}

/** An expression that a page evaluates: the state of its live socket, as text. */
const STATE = `(({ status, handover }, { received, outcomes, dialled }) => [status, dialled + ' dialled', handover?.phase ?? 'no handover', received.at(-1), outcomes.filter((outcome) => outcome === undefined).length + ' unanswered'].join(', '))(live.socket.store.getState(), live.record())`

/** The record of one page. A page that was left is recorded as it was then. */
interface Books {
  readonly record: ClientRecord
  readonly left: boolean
  /** The page was loaded where another page had been. */
  readonly anew: boolean
}

/** Waits until everything that was published has arrived. */
async function closeBooks(servers: LiveCluster, tabs: readonly DrivenTab[]): Promise<Books[]> {
  await Promise.all(tabs.map((tab) => tab.run('live.stopPublishing()')))
  servers.stopPublishing()
  await sleep(100)
  const books: Books[] = []
  for (const tab of tabs) {
    await tab.run(`live.settled(${servers.published})`)
    const before = await tab.run<ClientRecord[]>('before')
    books.push(...before.map((record, at) => ({ record, left: true, anew: at > 0 })))
    books.push({ record: await tab.run<ClientRecord>('live.record()'), left: false, anew: before.length > 0 })
  }
  return books
}

function judge(
  browser: BrowserName,
  scenario: Scenario,
  servers: LiveCluster,
  books: readonly Books[],
  note: string,
): Outcome {
  const balances = books.map(({ record, left }) =>
    balanceOf(record.received, left ? record.received.at(-1)! : servers.published),
  )
  const count = (what: keyof Balance) => balances.reduce((sum, balance) => sum + balance[what].length, 0)
  const records = books.map(({ record }) => record)
  const published = records.reduce((sum, { outcomes }) => sum + outcomes.length, 0)
  const answered = new Set(records.flatMap(({ outcomes }) => outcomes.filter((outcome) => typeof outcome === 'number')))
  const unanswered = books.reduce(
    (sum, { record, left }) =>
      sum + (left ? 0 : record.outcomes.filter((outcome) => typeof outcome !== 'number').length),
    0,
  )
  const applied = servers.applied.length
  const result = {
    browser,
    scenario: scenario.name,
    delivered: records.reduce((sum, { received }) => sum + received.length, 0),
    lost: count('lost'),
    repeated: count('repeated'),
    reordered: count('reordered'),
    gaps: records.reduce((sum, { gaps }) => sum + gaps.length, 0),
    published,
    publishesWrong: unanswered + Math.max(0, answered.size - applied) + Math.max(0, applied - published),
    moves: records.reduce((sum, { moves }) => sum + moves.length, 0),
    away: Math.round(
      Math.max(0, ...books.flatMap(({ record, anew }) => (anew ? [record.liveAt!, ...record.away] : record.away))),
    ),
    note,
  }
  const broken: string[] = []
  for (const name of ['lost', 'repeated', 'reordered', 'gaps', 'publishesWrong'] as const)
    if (result[name] > 0) broken.push(`${name}: ${result[name]}`)
  if (result.away > scenario.away)
    broken.push(`a page was not live for ${result.away} ms, where ${scenario.away} ms are allowed`)
  return { ...result, broken }
}
