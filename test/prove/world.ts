import type { TimelineMark, TimelinePicture } from '../../src/devtools/timeline.js'
import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import { seededRandom } from '../kit/seeded-random.js'
import { ALL_IS_WELL, SEEN, type Choices, type Move, type View } from './choices.js'
import { createFleet, type OfServers } from './fleet.js'
import type { Machine } from './machine.js'
import type { ModelServer } from './model-server.js'
import type { State } from './state-hash.js'
import { createJudge } from './judge.js'
import { createTab, type CreateLiveSocket, type OfPage, type Tab } from './tab.js'
import type { Connection } from './wire.js'
import { BEGAN, createWorldClock } from './world-clock.js'

type OfTab = OfPage | 'reset' | 'reset-newest' | 'reset-1' | 'reset-2' | 'slow' | 'flow' | 'sign-in'

/** What may happen once, besides deliveries of the network and the passing of time. `2:` belongs to the second tab. */
export type Happening = OfServers | OfTab | `2:${OfTab}`

export interface WorldOptions {
  readonly servers: number
  readonly tabs: number
  /** Independent actors, each with its happenings in order. */
  readonly actors: readonly (readonly Happening[])[]
  /** The lifetime of a token, ms; null: no tokens. */
  readonly tokenLife: number | null
  /** The least time between two handovers, ms. */
  readonly dwell: number
  /** Whether each tab is live before anything else happens. */
  readonly live: boolean
  /**
   * Whether to leave out everything that only multiplies the states: servers read appended entries at once and have no
   * clock, messages differ only in their offsets, and every random number is the same.
   */
  readonly plain: boolean
  /** How often time may pass before all trouble ends; null: any number of times. */
  readonly haste: number | null
  /** Longer schedules are cut here, and the faults end. */
  readonly maxSteps: number
}

export interface Outcome {
  readonly broken: readonly string[]
  readonly steps: number
  /** What happened, a line each, if a story was asked for. */
  readonly story: readonly string[]
  /** The devtools' timeline of each tab, with the line of the story in place of seconds. */
  readonly pictures: readonly TimelinePicture[]
}

/** Everything must be well within this time after the last fault, ms: the longest wait of any policy, plus a margin. */
const CALM = 300_000
const MOST_CALM_STEPS = 20_000

/**
 * Runs one schedule of the whole client against model servers. The same options, choices and seed give the same run.
 */
export async function runWorld(
  create: CreateLiveSocket,
  options: WorldOptions,
  choices: Choices,
  seed: number,
  machine: Machine,
  tellStory = false,
): Promise<Outcome> {
  const clock = createWorldClock()
  machine.timers(clock)
  try {
    const story: string[] = []
    const say = tellStory
      ? (line: string) => void story.push(`${(clock.monotonic() - BEGAN).toFixed(0).padStart(7)} ${line}`)
      : null
    const world = createWorld(create, options, seed, clock, say, tellStory ? () => story.length * 1_000 : null)
    const schedule = live(world, options, choices)
    let next = schedule.next()
    for (; !next.done; next = schedule.next())
      do await machine.turn()
      while (clock.runDue())
    return { broken: world.broken(), steps: next.value, story, pictures: world.pictures() }
  } finally {
    machine.timers(null)
  }
}

/** The passing of time is an actor like others. */
const TIME = 'time'
type Actor = readonly Happening[] | typeof TIME

/** A queue of any items. */
interface Waiting {
  readonly name: string
  readonly items: readonly { readonly sent: number }[]
  arrive(): void
}

type World = ReturnType<typeof createWorld>

/**
 * The schedule itself: first with everything that may happen, then until all is well. It yields wherever promises have
 * to continue first, and returns the number of its steps.
 */
function* live(world: World, options: WorldOptions, choices: Choices): Generator<void, number> {
  const left: Actor[] = [...options.actors, TIME]
  let steps = 0
  let seen = false
  const view: View = { state: () => world.state(left), moves: world.moves, mayBring: world.mayBring }
  function step(pick: Choices['pick'] | null) {
    const count = world.enabled(left)
    if (count === 0) return false
    const picked = pick ? pick(count, view) : 0
    seen = picked === SEEN
    if (seen) return false
    world.act(picked)
    steps++
    return true
  }
  world.begin()
  yield
  if (options.live) {
    const actors = left.splice(0, left.length, TIME)
    while (world.sound() && !world.calm() && step(null)) yield
    left.splice(0, 1, ...actors)
    world.rest()
  }
  const pick = choices.pick.bind(choices)
  const going = () => left.some((actor) => actor !== TIME && actor.length > 0) || world.underWay()
  while (world.sound() && steps < options.maxSteps && going() && step(pick)) yield
  if (!seen && world.sound()) seen = pick(1, { ...view, moves: () => [ALL_IS_WELL] }) === SEEN
  if (!seen) {
    left.splice(0, left.length, TIME)
    if (world.sound()) {
      world.allIsWell()
      const most = steps + MOST_CALM_STEPS
      while (world.sound() && !world.calm() && steps < most && world.inTime() && step(null)) yield
      if (!world.calm()) world.late()
    }
  }
  world.end()
  yield
  return steps
}

function createWorld(
  create: CreateLiveSocket,
  options: WorldOptions,
  seed: number,
  clock: ReturnType<typeof createWorldClock>,
  /** Null: no story is printed. */
  say: ((line: string) => void) | null,
  /** The horizontal position in a picture. */
  right: (() => number) | null,
) {
  const tick = () => ++sent
  const fleet = createFleet({
    ...options,
    clock,
    tick,
    broken: (rule) => void broken.push(`a rule of the contract: ${rule}`),
  })
  const { servers, log, tokens, newestLegs } = fleet
  const browser = createSimulatedTabs(clock)
  const broken: string[] = []
  const slowed = new Set<Connection>()
  let sent = 0
  let haste = Infinity
  let wellSince = 0

  const judges = Array.from({ length: options.tabs }, () => createJudge(log))
  const tabs: Tab[] = judges.map((judge, index) =>
    createTab({
      name: `tab${index + 1}`,
      create,
      clock,
      judge,
      tokens: options.tokenLife === null ? null : tokens,
      tabs: browser.open(),
      random: options.plain ? () => 0.5 : seededRandom(seed + index),
      dwell: options.dwell,
      origins: servers.map(({ url }) => url.slice(0, -'/live'.length)),
      serverAt: fleet.serverAt,
      tick,
      say,
      place: right,
    }),
  )
  const marks: TimelineMark[] = []

  const byNetwork: Readonly<Record<Exclude<OfTab, OfPage>, (tab: Tab) => void>> = {
    reset: (tab) => tab.connections.find(({ sound }) => sound)?.reset(),
    'reset-newest': (tab) => tab.connections.findLast(({ sound }) => sound)?.reset(),
    'reset-1': (tab) => tab.connections.find(({ leg }) => leg === 1)?.reset(),
    'reset-2': (tab) => tab.connections.find(({ leg, served }) => leg === 2 && served)?.reset(),
    // The items of the oldest connection stay on their way.
    slow: (tab) => {
      const oldest = tab.connections.find(({ sound }) => sound)
      if (oldest) slowed.add(oldest)
    },
    flow: () => slowed.clear(),
    'sign-in': () => tabs.forEach((tab) => tab.signIn()),
  }

  function happen(happening: Happening) {
    say?.(`— ${happening}`)
    if (right) marks.push({ at: right(), label: happening })
    const byServer = fleet.happening(happening)
    if (byServer) return byServer()
    const second = happening.startsWith('2:')
    const tab = tabs[second ? 1 : 0]
    if (!tab) return
    const name = second ? happening.slice(2) : happening
    const byPage = tab.happenings[name as OfPage]
    if (byPage) byPage()
    else byNetwork[name as Exclude<OfTab, OfPage>](tab)
  }

  /** What can happen next, by kind. The lists are filled at every step and created only once. */
  const ready: Waiting[] = []
  const reading: ModelServer[] = []
  const acting: number[] = []
  let actors: Actor[] = []

  /** Finds the queues with items under way, in the order of sending. */
  function findReady() {
    ready.length = 0
    place(tokens.asked)
    place(tokens.answered)
    for (const { connections } of tabs)
      for (const connection of connections) {
        place(connection.up)
        if (slowed.size === 0 || !slowed.has(connection)) place(connection.down)
      }
  }

  function place(queue: Waiting) {
    const first = queue.items[0]
    if (!first) return
    let at = ready.length
    for (; at > 0 && ready[at - 1]!.items[0]!.sent > first.sent; at--) ready[at] = ready[at - 1]!
    ready[at] = queue
  }

  function underWay() {
    if (tokens.asked.items.length + tokens.answered.items.length > 0) return true
    for (const { connections } of tabs)
      for (const { up, down } of connections) if (up.items.length + down.items.length > 0) return true
    return false
  }

  function take(at: number) {
    if (at < ready.length) return ready[at]!.arrive()
    if (at < ready.length + reading.length) return reading[at - ready.length]!.readOn()
    const [actor] = actors.splice(acting[at - ready.length - reading.length]!, 1)
    // An actor that has acted goes to the end, so that by default everything happens interleaved.
    actors.push(actor === TIME ? TIME : (actor!.slice(1) as Happening[]))
    if (actor !== TIME) return happen(actor![0] as Happening)
    haste--
    clock.runNext()
  }

  /** Everything that differs from a world without trouble, for each tab. */
  function amiss(tab: Tab, at: number): string[] {
    const owed = judges[at]!.owed()
    return [...(tab.signedOut ? owed.filter((one) => one.includes('publish')) : owed), ...tab.amiss()]
  }

  /** If servers have no clock, time belongs to the page alone. */
  function moveOf(actor: Actor): Move {
    if (actor === TIME) return { name: TIME, side: 'page' }
    return { name: actor.join(' '), side: actor[0]! in tabs[0]!.happenings ? 'page' : 'servers' }
  }

  return {
    underWay,
    sound: () => broken.length === 0 && judges.every((judge) => judge.broken.length === 0),
    broken: () => [...broken, ...judges.flatMap((judge) => judge.broken)],
    begin: () => tabs.forEach((tab) => tab.signIn()),
    /** The first schedule begins: time that has passed so far does not count. */
    rest: () => void (haste = options.haste ?? Infinity),
    state(left: readonly Actor[]): State {
      for (const tab of tabs) tab.forgetOver()
      log.forgetAnswers(
        (id, data) =>
          judges.some((judge) => judge.waits(data)) ||
          tabs.some(({ connections }) =>
            connections.some(({ up }) => up.items.some(({ item }) => item.kind === 'text' && item.text.includes(id))),
          ),
      )
      return {
        elapsed: clock.monotonic() - BEGAN,
        left: left.map(String).sort(),
        haste,
        servers,
        tabs,
        judges,
        log,
        tokens,
        clock,
        browser,
        newestLegs,
        slowed,
      }
    },
    mayBring: () =>
      (tokens.asked.items.length > 0 && tokens.answered.items.length === 0) ||
      tabs.some(({ connections }) =>
        connections.some(
          ({ held, served, up, down }) => held && down.items.length === 0 && (served || up.items.length > 0),
        ),
      ),
    /** The moves that were found last. */
    moves: (): Move[] => [
      ...ready.map(({ name }) => ({ name, side: name.endsWith('↑') ? 'servers' : 'page' }) as const),
      ...reading.map(({ name }) => ({ name: `${name} reads`, side: 'servers' }) as const),
      ...acting.map((at) => moveOf(actors[at]!)),
    ],
    /**
     * How many things can happen next. The first is the default: the oldest item arrives, then an actor acts or time
     * passes.
     */
    enabled(left: Actor[]): number {
      findReady()
      reading.length = 0
      for (const server of servers) if (server.up && server.behind) reading.push(server)
      actors = left
      acting.length = 0
      for (let at = 0; at < left.length; at++) {
        const can = left[at] === TIME ? clock.next() !== null && haste > 0 : left[at]!.length > 0
        if (can) acting.push(at)
      }
      return ready.length + reading.length + acting.length
    },
    /** Makes the move at this place among those found last. */
    act(at: number) {
      take(at)
      fleet.settle()
    },
    allIsWell() {
      say?.('— all is well from here')
      slowed.clear()
      haste = Infinity
      wellSince = clock.monotonic()
      fleet.allIsWell()
      for (const { page } of tabs) {
        page.hint('online')
        page.tell('restored')
        page.tell('shown')
      }
    },
    calm: () => !underWay() && tabs.every((tab, at) => amiss(tab, at).length === 0),
    inTime: () => clock.monotonic() < wellSince + CALM,
    late() {
      if (broken.length === 0)
        broken.push(
          ...tabs.flatMap((tab, at) => amiss(tab, at).map((what) => `long after all is well: tab ${at + 1}: ${what}`)),
        )
    },
    pictures: () => tabs.flatMap((tab) => tab.picture(marks)),
    end: () => tabs.forEach(({ socket }) => socket.close()),
  }
}
