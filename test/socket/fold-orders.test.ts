import { describe, expect, it } from 'vitest'
import { live, type CreateFold, type World } from './fold-world.js'
import { mutant } from '../kit/mutant.js'

/**
 * Worlds that are searched completely. `orders` is the least number of orders, so that a search that shrinks is
 * noticed.
 */
const WORLDS: (World & { story: string; orders: number })[] = [
  {
    story: 'messages before, between and after what the API reads and what it answers',
    messages: 3,
    load: true,
    orders: 350,
  },
  {
    story: 'a listener that leaves and comes back, at once or after the release',
    messages: 2,
    load: true,
    happenings: ['leave', 'return'],
    orders: 5_000,
  },
  {
    story: 'no load, a listener that leaves and comes back, a leg that dies',
    messages: 2,
    load: false,
    happenings: ['leave', 'return', 'break'],
    orders: 1_500,
  },
  { story: 'a leg that dies with what was under way', messages: 3, load: true, happenings: ['break'], orders: 1_000 },
  {
    story: 'a gap: the leg dies, and the log forgets',
    messages: 2,
    load: true,
    happenings: ['break', 'trim'],
    orders: 7_000,
  },
  { story: 'a numbering that starts over', messages: 2, load: true, happenings: ['epoch'], waits: 2, orders: 2_000 },
  {
    story: 'an API that reads from a copy, and a log that forgets',
    messages: 3,
    load: true,
    lag: 2,
    happenings: ['trim'],
    orders: 1_000,
  },
  { story: 'more messages than may be held', messages: 4, load: true, maxHeld: 2, orders: 700 },
  { story: 'a load that fails', messages: 3, load: true, failures: 1, orders: 1_000 },
  {
    story: 'a load that never answers, and a leg that dies',
    messages: 2,
    load: true,
    hung: 1,
    happenings: ['break'],
    orders: 100,
  },
  { story: 'messages that are not for this client', messages: 4, load: true, hidden: true, orders: 700 },
  {
    story: 'other subscribers, one of which wants the topic from its start',
    messages: 2,
    load: true,
    others: true,
    happenings: ['rewind'],
    orders: 1_500,
  },
  {
    story: 'a handover, and a gap',
    messages: 1,
    load: true,
    happenings: ['move', 'break', 'trim'],
    waits: 0,
    orders: 1_000,
  },
  {
    story: 'a handover, and a numbering that starts over',
    messages: 1,
    load: true,
    happenings: ['move', 'epoch'],
    waits: 0,
    orders: 1_000,
  },
  {
    story: 'a handover to another leg, both bringing the same',
    messages: 2,
    load: true,
    happenings: ['move'],
    waits: 0,
    orders: 25_000,
  },
]

describe('fold: no message is folded twice or missed and no gap reported twice, in any order of', () => {
  it.each(WORLDS)('$story', { timeout: 120_000 }, async ({ story, orders: least, ...world }) => {
    const { orders, problem, complete } = await explore(world, 100_000)
    console.log(`fold, ${story}: ${orders} orders`)
    expect(problem).toBe(null)
    expect(complete).toBe(true)
    expect(orders).toBeGreaterThanOrEqual(least)
  })
})

describe('the search finds a fold that', () => {
  it.each([
    {
      mistake: 'folds again what the snapshot contains',
      from: 'if (reaches(this.#position, info)) return',
      to: '',
    },
    {
      mistake: 'takes every snapshot to meet what is held',
      from: 'if (!meets) this.#subscribe(start)',
      to: 'if (false) this.#subscribe(start)',
    },
    {
      mistake: 'forgets what was held',
      from: 'this.#catchUp(messages, subscription)',
      to: 'this.#catchUp([], subscription)',
    },
    {
      mistake: 'leaves out the last message past the bound',
      from: '> maxBytes) held = this.#hold(held.floor)',
      to: '> maxBytes) return',
    },
    {
      mistake: 'goes on after a gap',
      from: 'if (topic !== this.#topic || !this.#attached || !this.#loading) return',
      to: 'return',
    },
    {
      mistake: 'takes a snapshot from before the gap',
      from: '!reaches(snapshot.position, floor)',
      to: 'false',
    },
    {
      mistake: 'forgets where it was when nobody listens',
      from: 'else if (!this.#catching && reached && !reaches(this.#position, reached)) this.#position = reached',
      to: 'else this.#position = null',
    },
  ])('$mistake', { timeout: 60_000 }, async ({ from, to }) => {
    const { createFold } = await mutant<{ createFold: CreateFold }>('src/socket/fold.ts', from, to)
    const found: string[] = []
    for (const { story, orders, ...world } of WORLDS) {
      const { problem } = await explore(world, 8_000, createFold)
      if (problem) found.push(problem)
      if (problem) break
    }
    expect(found).not.toEqual([])
  })
})

/** Tries every order in which the events of that world can come. */
async function explore(world: World, most: number, create?: CreateFold) {
  const seen = new Set<string>()
  let path: number[] = []
  let orders = 0
  for (;;) {
    const run = await live(world, path, seen, create)
    orders++
    if (run.problem) return { orders, complete: false, problem: `${run.problem} after: ${run.steps.join(', ')}` }
    let at = run.taken.length - 1
    while (at >= 0 && run.taken[at]! + 1 >= run.widths[at]!) at--
    if (at < 0) return { orders, complete: true, problem: null }
    if (orders >= most) return { orders, complete: false, problem: null }
    path = [...run.taken.slice(0, at), run.taken[at]! + 1]
  }
}
