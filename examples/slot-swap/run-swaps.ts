import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/base/clock.js'
import { exportScripts } from '../../src/server/redis/script-export.js'
import { launchBrowser } from '../../test/kit/browser.js'
import { builtDotnet } from '../../test/kit/dotnet.js'
import { sleep } from '../../test/kit/wait.js'
import { startRedisServer } from '../../test/kit/redis-server.js'
import { servePage } from './page-server.js'
import { follow, OURS, type Reader, type Tally, type Way } from './reader.js'
import { startFront, startSlot, type Slot } from './slots.js'

export interface SwapPlan {
  readonly ways: readonly Way[]
  readonly clients: number
  readonly swaps: number
  /** How many news are published per second. */
  readonly rate: number
}

/**
 * The sums of all clients' tallies, and for times the longest one. `moves` counts the handovers of each client; for
 * SignalR's own client, its reconnections.
 */
export interface Outcome extends Omit<Tally, 'got' | 'lines'> {
  readonly way: Way
  readonly clients: number
  readonly news: number
  /** How many lines of the chat did not arrive exactly once, over all clients. */
  readonly linesWrong: number
}

/** Milliseconds in which a slot that nobody asked finds out that it was replaced, and a client hands over. */
const PATIENCE = 15_000
/** Milliseconds after a swap until the old slot is stopped, if no client is asked to hand over. */
const LATER = 500

/** Swaps two slots repeatedly under clients of these ways. Each way of ours also has a page in Chromium. */
export async function runSwaps(
  { ways, clients, swaps, rate }: SwapPlan,
  say: (line: string) => void,
): Promise<Outcome[]> {
  const close: (() => unknown)[] = []
  try {
    const folder = await mkdtemp(join(tmpdir(), 'livesocket-slots-'))
    close.push(() => rm(folder, { recursive: true, force: true }))
    const scripts = join(folder, 'redis-scripts.json')
    await writeFile(scripts, JSON.stringify(exportScripts()))
    const [program, redis, pages, browser] = await Promise.all([
      builtDotnet('examples/slot-swap/slot', 'servers/aspnetcore'),
      startRedisServer(),
      servePage(),
      launchBrowser(),
    ])
    close.push(
      () => redis.close(),
      pages.close,
      () => browser.close(),
    )
    const setup = { program, scripts, redis: `127.0.0.1:${redis.port}` }
    // The news come from a process to which no client is connected.
    let [slot, worker]: Slot[] = await Promise.all([startSlot('v0', setup), startSlot('worker', setup)])
    close.push(() => slot!.kill(), worker!.kill)
    const front = await startFront(slot!)
    close.push(front.close)

    const readers = ways.flatMap((way) => Array.from({ length: clients }, () => follow(way, front.address, WebSocket)))
    close.push(() => readers.forEach((reader) => reader.close()))
    const opened = new Map<Way, Page>()
    for (const way of OURS.filter((one) => ways.includes(one))) {
      const page = await browser.newPage()
      await page.goto(`${pages.address}/?${new URLSearchParams({ way, origin: front.address })}`)
      await page.evaluate(() => window.reader.ready())
      opened.set(way, page)
    }
    await Promise.all(readers.map((reader) => reader.ready()))
    // SignalR's own clients use the same hub.
    const told = new Set(ways.map((way) => (way === 'plain' || way === 'live' ? way : 'hub')))
    await worker!.post(`/news?rate=${rate}&ways=${[...told].join()}`)
    await sleep(500)
    for (let swap = 1; swap <= swaps; swap++) {
      const old = slot!
      slot = await startSlot(`v${swap}`, setup.redis ? { ...setup, address: front.address } : setup)
      front.swap(slot)
      for (const [way, page] of opened) {
        await page.fill('input', `${way} ${swap}`)
        await page.click('button')
      }
      // A deploy tool asks the old slot to hand its clients over. Every second time nobody asks, and the slot must find out.
      const asked = swap % 2 === 1
      const begun = systemClock.monotonic()
      if (asked) await old.post('/drain', { deadline: 10_000, reason: 'slot swap' })
      const ours = readers.filter(({ way }) => (OURS as readonly Way[]).includes(way))
      const all = ours.length > 0 && (await moved(ours, opened, swap))
      if (ours.length === 0) await sleep(LATER)
      say(
        `swap ${swap}: ${ours.length > 0 ? `${all ? 'all' : 'not all'} handed over ${((systemClock.monotonic() - begun) / 1_000).toFixed(1)} s after the swap, ${asked ? 'asked by the deploy tool' : 'as the slot found out itself'}` : 'nobody was asked'}`,
      )
      await old.stop()
      await sleep(300)
    }
    const last = Number(await (await worker!.post('/quiet')).text())
    await arrived(readers, opened, last)
    return await Promise.all(
      ways.map(async (way) => {
        const all = readers.filter((reader) => reader.way === way).map((reader) => reader.tally(last))
        const page = opened.get(way)
        if (page) all.push(await page.evaluate((to) => window.reader.tally(to), last))
        const lines = page ? Array.from({ length: swaps }, (_, at) => `${way} ${at + 1}`) : []
        return outcome(way, all, lines, last)
      }),
    )
  } finally {
    for (const task of close.reverse()) await task()
  }
}

function outcome(way: Way, all: readonly Tally[], lines: readonly string[], news: number): Outcome {
  const sum = (of: (tally: Tally) => number) => all.reduce((total, one) => total + of(one), 0)
  const most = (of: (tally: Tally) => number) => Math.round(Math.max(...all.map(of)))
  return {
    way,
    clients: all.length,
    news,
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    reordered: sum(({ reordered }) => reordered),
    gaps: sum(({ gaps }) => gaps),
    notLive: most(({ notLive }) => notLive),
    longestSilence: most(({ longestSilence }) => longestSilence),
    moves: most(({ moves }) => moves),
    linesWrong: sum(({ lines: got }) => lines.filter((line) => got.filter((one) => one === line).length !== 1).length),
  }
}

/** Returns false if not all clients hand over within `PATIENCE`. */
async function moved(ours: readonly Reader[], opened: ReadonlyMap<Way, Page>, swap: number): Promise<boolean> {
  const begun = systemClock.monotonic()
  for (;;) {
    const inPages = await Promise.all([...opened.values()].map((page) => page.evaluate(() => window.reader.moves)))
    if ([...ours.map(({ moves }) => moves), ...inPages].every((moves) => moves >= swap)) return true
    if (systemClock.monotonic() - begun > PATIENCE) return false
    await sleep(50)
  }
}

async function arrived(readers: readonly Reader[], opened: ReadonlyMap<Way, Page>, last: number) {
  const begun = systemClock.monotonic()
  while (systemClock.monotonic() - begun < 3_000) {
    const inPages = await Promise.all([...opened.values()].map((page) => page.evaluate(() => window.reader.newest)))
    if ([...readers.map(({ newest }) => newest), ...inPages].every((newest) => newest >= last)) break
    await sleep(50)
  }
  // Any repeated messages have arrived by then.
  await sleep(300)
}
