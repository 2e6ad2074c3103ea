import type { Clock, Random } from '../base/clock.js'
import type { Network, NetworkHint } from '../host/network.js'
import type { Page, PageChange } from '../host/page.js'
import type { Tabs } from '../host/tabs.js'
import { createSimulatedSocket, type Incoming, type Path } from './simulated-socket.js'
import { createSimulatedTabs } from './simulated-tabs.js'
import type { SimulatedTokens, TokenAnswer } from './simulated-tokens.js'
import { createThrottledClock } from './throttled-clock.js'
import { createSimulatedPath } from './simulated-path.js'

/** The `environment` option of `createLiveSocket`. */
export interface SimulatedEnvironment {
  readonly WebSocket: typeof WebSocket
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly page: Page
  readonly tabs: Tabs
}

/** A machine with a browser, and what can happen to its network and its lid. */
export interface SimulatedDevice {
  /** The environment of the first tab. */
  readonly environment: SimulatedEnvironment
  /** Opens another tab of the same browser. */
  tab(): SimulatedEnvironment
  /** The `getToken` option of `createLiveSocket`: asks the simulated token service. */
  getToken(ask: { readonly reason: string; readonly signal: AbortSignal }): Promise<TokenAnswer>
  /**
   * The network is gone, and the browser knows it: dials fail at once, and open connections receive nothing and are not
   * closed.
   */
  offline(): void
  online(): void
  /**
   * Changes from one network to another: connections stay half-open for ever, and dials work. The browser reports
   * `change`.
   */
  changeNetwork(): void
  /**
   * Open connections carry nothing more in that direction, and neither end is notified. New dials work. Default `both`.
   */
  freeze(direction?: 'up' | 'down' | 'both'): void
  thaw(): void
  /** Milliseconds that a frame takes in each direction from now on. Default 10. */
  delay(latency: number | { up?: number; down?: number }): void
  /**
   * The tab is hidden. Its timers then run at most once in `every` ms. Default 0: as usual. Browsers use 1,000, and
   * 60,000 after some minutes.
   */
  hide(every?: number): void
  show(): void
  /** The page is prerendered, before the user has opened it. Call it before a live socket of the page connects. */
  prerender(): void
  /** The user opens the prerendered page. */
  activate(): void
  /**
   * The user follows a download link in Firefox: the page is told that it may be left, its sockets are closed with
   * 1001, and the page lives on.
   */
  download(): void
  /** The page enters the back/forward cache: it is notified, and then nothing of it runs until `restore`. */
  store(): void
  restore(): void
  /** The lid closes: nothing on the device runs until `wake`, while time goes on. */
  sleep(): void
  wake(): void
  /** Sets the device's wall clock, to milliseconds since 1970, as a user may. */
  setWall(wall: number): void
}

export interface SimulatedDeviceDeps {
  readonly world: Clock
  readonly random: Random
  readonly base: string
  readonly latency: number
  /** The user who signs in on the device. */
  readonly subject: string
  readonly tokens: SimulatedTokens
  knock(incoming: Incoming): void
}

export function createSimulatedDevice(deps: SimulatedDeviceDeps): SimulatedDevice {
  const device = createDeviceClock(deps.world)
  const { clock } = device
  const pageClock = createThrottledClock(clock)
  const { page, change, ...visibility } = createDevicePage(pageClock)
  const delays = { up: deps.latency, down: deps.latency }
  const paths = new Set<Path>()
  const hints = new Set<(hint: NetworkHint) => void>()
  let connected = true
  const navigations = new Set<() => void>()

  const hint = (what: NetworkHint) => {
    for (const tell of [...hints]) tell(what)
  }
  const thaw = () => {
    for (const path of paths) for (const wire of [path.up, path.down]) wire.thaw()
  }
  const freeze = (direction: 'up' | 'down' | 'both' = 'both') => {
    for (const path of paths) {
      if (direction !== 'down') path.up.freeze()
      if (direction !== 'up') path.down.freeze()
    }
  }

  const network: Network = {
    online: () => connected,
    subscribe(listener) {
      hints.add(listener)
      return () => void hints.delete(listener)
    },
  }
  const Socket = createSimulatedSocket({
    clock,
    base: deps.base,
    path() {
      if (!connected) return null
      const path = {
        up: createSimulatedPath(deps.world, () => delays.up),
        down: createSimulatedPath(clock, () => delays.down),
      }
      paths.add(path)
      return path
    },
    knock: deps.knock,
    over: (path) => void paths.delete(path),
    navigations,
  })
  const tabs = createSimulatedTabs(clock)
  const tab = (): SimulatedEnvironment => ({
    WebSocket: Socket,
    clock: pageClock,
    random: deps.random,
    network,
    page,
    tabs: tabs.open(),
  })

  return {
    environment: tab(),
    tab,
    getToken: ({ reason, signal }) => deps.tokens.request(reason, signal, connected, deps.subject),
    offline() {
      connected = false
      freeze()
      hint('offline')
    },
    online() {
      connected = true
      thaw()
      hint('online')
    },
    changeNetwork() {
      freeze()
      // These connections can never be thawed: their addresses belong to the old network.
      paths.clear()
      hint('change')
    },
    freeze,
    thaw,
    delay(latency) {
      const { up = delays.up, down = delays.down } =
        typeof latency === 'number' ? { up: latency, down: latency } : latency
      Object.assign(delays, { up, down })
    },
    ...visibility,
    download() {
      change('leaving')
      for (const navigate of [...navigations]) navigate()
    },
    store() {
      change('stored')
      device.sleep()
    },
    restore() {
      device.wake()
      change('restored')
    },
    sleep: device.sleep,
    wake: device.wake,
    setWall: device.setWall,
  }
}

/** The one page that is shown. */
function createDevicePage(clock: ReturnType<typeof createThrottledClock>) {
  const changes = new Set<(change: PageChange) => void>()
  let hidden = false
  let prerendering = false

  const page: Page = {
    hidden: () => hidden || prerendering,
    prerendering: () => prerendering,
    subscribe(listener) {
      changes.add(listener)
      return () => void changes.delete(listener)
    },
  }
  const change = (what: PageChange) => {
    for (const tell of [...changes]) tell(what)
  }
  return {
    page,
    change,
    hide(every = 0) {
      hidden = true
      clock.throttle(every)
      change('hidden')
    },
    show() {
      hidden = false
      clock.throttle(0)
      change('shown')
    },
    prerender() {
      prerendering = true
    },
    activate() {
      prerendering = false
      change('activated')
    },
  }
}

/**
 * A clock that follows the world's clock while the device is awake. During sleep its monotonic time and its timers
 * stand still.
 */
function createDeviceClock(world: Clock) {
  interface Timer {
    due: number
    task: () => void
    cancel: () => void
  }
  const timers = new Set<Timer>()
  let slept = 0
  let asleepSince: number | null = null
  let wallAhead = 0

  const monotonic = () => (asleepSince ?? world.monotonic()) - slept
  const arm = (timer: Timer, due: number) => {
    timer.cancel = world.setTimeout(() => {
      timers.delete(timer)
      timer.task()
    }, due - monotonic())
  }
  const clock: Clock = {
    now: () => world.now() + wallAhead,
    monotonic,
    setTimeout(task, delay) {
      const due = monotonic() + Math.max(0, delay)
      const timer: Timer = { due, task, cancel: () => undefined }
      timers.add(timer)
      if (asleepSince === null) arm(timer, due)
      return () => {
        timers.delete(timer)
        timer.cancel()
      }
    },
    settled: (task) => clock.setTimeout(task, 0),
    frame: (task) => clock.setTimeout(task, FRAME - (monotonic() % FRAME)),
  }
  return {
    clock,
    sleep() {
      if (asleepSince !== null) return
      asleepSince = world.monotonic()
      for (const timer of timers) timer.cancel()
    },
    wake() {
      if (asleepSince === null) return
      slept += world.monotonic() - asleepSince
      asleepSince = null
      // In the order in which they would have run; timers of the same time in the order in which they were set.
      for (const timer of [...timers].sort((a, b) => a.due - b.due)) arm(timer, timer.due)
    },
    setWall: (wall: number) => void (wallAhead = wall - world.now()),
  }
}

/** Milliseconds between two paints. */
const FRAME = 16
