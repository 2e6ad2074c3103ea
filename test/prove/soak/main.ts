import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { BrowserName, DrivenBrowser, DrivenTab } from '../../../bench/browsers/driven-browser.js'
import { openBrowser } from '../../../bench/browsers/open-browser.js'
import { systemClock } from '../../../src/base/clock.js'
import { startLiveCluster } from '../../kit/live-cluster.js'
import { serveLivePages } from '../../kit/live-page.js'
import { sleep } from '../../kit/wait.js'
import type { Sample } from './page-script.js'
import { halves, settledPart, slopeAnHour, type Reading } from './trend.js'

const HELP = `npm run soak             pages in real browsers whose network flaps every 2 s, under deploys and renewed tokens: what
                         they hold stays the same, and nothing is lost
  -- --minutes 60        how long; default 10
  -- --browser NAME      chromium or firefox; default both
  -- --tabs 4            in each of them
  -- --json              one JSON object`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    browser: { type: 'string', multiple: true, default: ['chromium', 'firefox'] },
    tabs: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const [minutes, tabCount] = [Number(values.minutes), Number(values.tabs)]
if (!(minutes > 0) || !Number.isInteger(tabCount)) throw new Error('--minutes and --tabs must be numbers')

/** Milliseconds. */
const FLAP = 2_000
const DEPLOY = 15_000
/** The lifetime of a token, which is renewed after 0.5 to 0.9 of it. */
const LIFE = 60_000
const PUBLISH = 100
/** How often the pages are sampled: twenty times in a run, at least every 15 s. */
const LOOK = Math.min(15_000, (minutes * 60_000) / 20)
/** Everything is delivered and answered within this time after the last flap. */
const CALM = 60_000
/** A leg, the leg that replaces it, and a leg that closes. */
const MOST_SOCKETS = 3
/** MB an hour. */
const MOST_GROWTH = 1

const PAGE = {
  life: LIFE,
  reconnect: { spread: 300, cap: 1_000 },
  heartbeat: { interval: 2_000, timeout: 2_000 },
  debug: false,
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

interface Page {
  readonly name: string
  readonly tab: DrivenTab
  readonly samples: Sample[]
  readonly heap: Reading[]
}

const began = performance.now()
const seconds = () => (performance.now() - began) / 1_000
const cluster = await startLiveCluster()
const site = await serveLivePages(join(import.meta.dirname, 'page-script.ts'))
const browsers: DrivenBrowser[] = []
const pages: Page[] = []
for (const name of values.browser) {
  const browser = await openBrowser(name as BrowserName)
  browsers.push(browser)
  for (let at = 1; at <= tabCount; at++) {
    const tab = await browser.openTab()
    await tab.open(site.live(cluster.url, PAGE))
    pages.push({ name: `${browser.product}, tab ${at}`, tab, samples: [], heap: [] })
  }
}
const look = ({ tab }: Page) => tab.run<Sample>(`soak.sample(${cluster.published})`)

const counts = { flaps: 0, deploys: 0 }
const ofNode: Reading[] = []
let going = true
/** Every other deploy has a stable network, so that its handovers end as handovers. */
let calm = false
let cancelFlap = () => {}
function flap() {
  if (!going) return
  if (!calm) {
    cluster.relay.cut()
    counts.flaps++
  }
  cancelFlap = systemClock.setTimeout(flap, FLAP)
}
async function deploy() {
  while (going) {
    await sleep(DEPLOY)
    if (!going) return
    calm = counts.deploys % 2 === 0
    await cluster.deploy({ deadline: 5_000 })
    calm = false
    counts.deploys++
  }
}
cluster.publishEvery(PUBLISH)
// A page that has not begun to read has nothing to lose.
for (const page of pages) while ((await look(page)).newest === 0) await sleep(100)
flap()
const deploying = deploy()

const end = performance.now() + minutes * 60_000
while (performance.now() < end) {
  await sleep(Math.max(0, Math.min(LOOK, end - performance.now())))
  for (const page of pages) {
    page.samples.push(await look(page))
    const bytes = await page.tab.heap?.()
    if (bytes !== undefined) page.heap.push({ at: seconds(), value: bytes / 1e6 })
  }
  collect()
  ofNode.push({ at: seconds(), value: process.memoryUsage().heapUsed / 1e6 })
  if (!values.json)
    console.log(
      `${seconds().toFixed(0)} s: ${pages.map(({ samples }) => samples.at(-1)!.delivered).join(' ')} delivered`,
    )
}

going = false
cancelFlap()
await deploying
cluster.stopPublishing()
for (const page of pages) await page.tab.run('soak.stop()')
const done = ({ status, newest, published, acknowledged, refused, sockets }: Sample) =>
  status === 'live' && newest >= cluster.published && published === acknowledged + refused && sockets === 1
const last: Sample[] = []
for (const page of pages) {
  const until = performance.now() + CALM
  let sample = await look(page)
  while (!done(sample) && performance.now() < until) {
    await sleep(100)
    sample = await look(page)
  }
  last.push(sample)
}

const broken: string[] = []
const reports = pages.map(({ name, samples, heap }, at) => {
  const sample = last[at]!
  const slope = slopeAnHour(settledPart(heap))
  for (const what of ['lost', 'repeated', 'reordered', 'gaps', 'refused'] as const)
    if (sample[what] > 0) broken.push(`${name}: ${what}: ${sample[what]}`)
  if (!done(sample))
    broken.push(`${name}: is not well ${CALM / 1_000} s after the last flap: ${JSON.stringify(sample)}`)
  const held = (what: 'timers' | 'listeners' | 'sockets') => halves(samples.map((one) => one[what]))
  const [timers, listeners, sockets] = [held('timers'), held('listeners'), held('sockets')]
  // The tolerance for a leg that opens or closes.
  for (const [what, { first, second }, more] of [
    ['timers', timers, 3],
    ['listeners', listeners, 0],
  ] as const)
    if (second > first + more) broken.push(`${name}: ${what} grew from ${first} to ${second}`)
  if (Math.max(sockets.first, sockets.second) > MOST_SOCKETS)
    broken.push(`${name}: ${sockets.second} sockets at a time`)
  if (minutes >= 20 && slope !== null && slope > MOST_GROWTH)
    broken.push(`${name}: the heap grows by ${slope.toFixed(2)} MB/h`)
  return { name, ...sample, timers, listeners, sockets, heapMB: heap.at(-1)?.value ?? null, heapSlope: slope }
})
const sum = (what: 'delivered' | 'lost' | 'acknowledged' | 'moves' | 'reconnects' | 'tokens') =>
  last.reduce((all, sample) => all + sample[what], 0)
const soak = {
  minutes,
  ...counts,
  published: cluster.published,
  delivered: sum('delivered'),
  lost: sum('lost'),
  acknowledged: sum('acknowledged'),
  moves: sum('moves'),
  reconnects: sum('reconnects'),
  tokens: sum('tokens'),
  nodeHeapMB: ofNode.at(-1)!.value,
  nodeHeapSlope: slopeAnHour(settledPart(ofNode)),
  pages: reports,
  broken,
}
for (const browser of browsers) await browser.close()
await cluster.close()
await site.close()
if (values.json) console.log(JSON.stringify({ soak }))
else {
  console.log(
    `${minutes} min: ${soak.flaps} flaps, ${soak.deploys} deploys, ${soak.tokens} tokens, ${soak.moves} handovers, ${soak.reconnects} reconnections; ${soak.published} published, ${soak.delivered} delivered, ${soak.lost} lost, ${soak.acknowledged} acknowledged`,
  )
  const half = ({ first, second }: { first: number; second: number }) => `${first}→${second}`
  for (const one of reports)
    console.log(
      `  ${one.name}: timers ${half(one.timers)}, listeners ${half(one.listeners)}, sockets ${half(one.sockets)}, heap ${one.heapMB === null ? 'not told' : `${one.heapMB.toFixed(2)} MB, ${one.heapSlope?.toFixed(2) ?? '–'} MB/h`}`,
    )
  console.log(
    `  Node, with the servers: heap ${soak.nodeHeapMB.toFixed(1)} MB, ${soak.nodeHeapSlope?.toFixed(2) ?? '–'} MB/h`,
  )
  for (const one of broken) console.log(`BROKEN: ${one}`)
}
process.exit(broken.length === 0 ? 0 : 1)
