import { createSimulatedTabs } from '../../src/testing/simulated-tabs.js'
import type { Witness } from './judge.js'
import type { Machine } from './machine.js'
import type { Part } from './part.js'
import { createTab, type CreateLiveSocket, type OfPage } from './tab.js'
import type { Connection, Item, ServerEnd } from './wire.js'
import { BEGAN, createWorldClock } from './world-clock.js'
import type { WorldOptions } from './world.js'

export interface Token {
  readonly token: string
  readonly ttl: number
}

/** What a page can be told. */
export type ToldPage =
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'happening'; readonly name: string }
  /** Something has arrived on this leg. */
  | { readonly kind: 'arrived'; readonly leg: number; readonly item: Item }
  /** Null: the token service is down. */
  | { readonly kind: 'token'; readonly token: Token | null }
  /** Time passes until the next timer is due, and the timer runs. */
  | { readonly kind: 'time' }

/** What the page sends, and what the judge receives. */
export interface DoneByPage {
  readonly sent: readonly Sent[]
  readonly seen: readonly Seen[]
}

export interface ShownPage {
  /** Whether a timer is set. */
  readonly waits: boolean
  readonly live: boolean
}

export type Sent =
  | { readonly kind: 'dial'; readonly leg: number; readonly url: string }
  | { readonly kind: 'text'; readonly leg: number; readonly text: string }
  | { readonly kind: 'close'; readonly leg: number }
  | { readonly kind: 'ask' }

/** A call of a witness. */
export type Seen = { [Name in keyof Witness]: readonly [Name, ...Parameters<Witness[Name]>] }[keyof Witness]

/** The page alone: everything that it sends is taken from it at once, and it receives only what it is told. */
export async function beginPage(
  create: CreateLiveSocket,
  options: WorldOptions,
  machine: Machine,
): Promise<Part<ToldPage, DoneByPage, ShownPage>> {
  const clock = createWorldClock()
  machine.timers(clock)
  const browser = createSimulatedTabs(clock)
  let sent: Sent[] = []
  let seen: Seen[] = []
  let order = 0
  const calls: { resolve(given: Token): void; reject(error: Error): void }[] = []

  const see =
    <Name extends keyof Witness>(name: Name) =>
    (...args: Parameters<Witness[Name]>) =>
      void seen.push([name, ...args] as never)
  const witness: Witness = {
    break: see('break'),
    started: see('started'),
    delivered: ({ epoch, offset, data }) => see('delivered')({ epoch, offset, data }),
    gap: ({ epoch, from, to }) => see('gap')({ epoch, from, to }),
    published: see('published'),
    settled: see('settled'),
    newSession: see('newSession'),
    lapsed: (status, legs) =>
      see('lapsed')(
        status,
        legs.map(({ leg, sound }) => ({ leg, sound })),
      ),
  }

  const taker: ServerEnd = {
    opened: ({ leg, url }) => void sent.push({ kind: 'dial', leg, url }),
    received: ({ leg }, text) => void sent.push({ kind: 'text', leg, text }),
    closed: ({ leg }) => void sent.push({ kind: 'close', leg }),
  }

  const tab = createTab({
    name: 'tab1',
    create,
    clock,
    judge: witness,
    tokens:
      options.tokenLife === null
        ? null
        : {
            ask: () =>
              new Promise((resolve, reject) => {
                calls.push({ resolve, reject })
                sent.push({ kind: 'ask' })
              }),
            given: () => [],
          },
    tabs: browser.open(),
    random: () => 0.5,
    dwell: options.dwell,
    origins: ['wss://a.test', 'wss://b.test'],
    serverAt: () => taker,
    tick: () => ++order,
    say: null,
    place: null,
  })

  /** Everything in the order of sending, over all legs. */
  function takeSent() {
    const ready = () => tab.connections.filter(({ up }) => up.items.length > 0)
    for (let some = ready(); some.length > 0; some = ready()) {
      const [first] = some.sort((a, b) => a.up.items[0]!.sent - b.up.items[0]!.sent)
      const before = first!.down.items.length
      first!.up.arrive()
      // The acceptance of the dial is delivered later, in its turn.
      first!.down.items.length = before
    }
  }

  function act(told: ToldPage) {
    switch (told.kind) {
      case 'sign-in':
        return tab.signIn()
      case 'happening':
        return tab.happenings[told.name as OfPage]()
      case 'arrived': {
        const { down } = tab.connections.find(({ leg }) => leg === told.leg) as Connection
        down.push(told.item, ++order)
        return down.arrive()
      }
      case 'token': {
        const { resolve, reject } = calls.shift()!
        return told.token ? resolve(told.token) : reject(new Error('the token service is away'))
      }
      case 'time':
        return clock.runNext()
    }
  }

  return {
    async tell(told) {
      act(told)
      do await machine.turn()
      while (clock.runDue())
      takeSent()
      const done = { sent, seen }
      sent = []
      seen = []
      return done
    },
    show: () => ({ waits: clock.pending() > 0, live: tab.socket.store.getState().status === 'live' }),
    state() {
      tab.forgetOver()
      return { elapsed: clock.monotonic() - BEGAN, tab, clock, browser }
    },
  }
}
