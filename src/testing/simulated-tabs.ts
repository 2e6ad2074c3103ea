import type { Clock } from '../base/clock.js'
import type { TabGroup, Tabs } from '../host/tabs.js'

/** The tabs of one browser: they exchange messages, take turns, and share numbers. */
export interface SimulatedTabs {
  /** Opens one more tab. */
  open(): SimulatedTab
  /** Opens a worker: like a tab, but without the shared numbers. */
  openWorker(): SimulatedTab
  /** The content of localStorage. */
  readonly stored: ReadonlyMap<string, number>
  /** The user clears the site's data. */
  clearStorage(): void
}

export interface SimulatedTab extends Tabs {
  join(name: string): TabGroup
  /** Messages from others wait until `thaw`; a turn that this tab holds stays held. */
  freeze(): void
  thaw(): void
  /** Messages that it posts from now on take this many milliseconds. */
  slow(latency: number): void
  /** The tab crashes: its turn is released, and nothing of it runs any more. */
  kill(): void
}

export interface SimulatedTabsOptions {
  /** Milliseconds that a post takes. A turn is passed on at once, so a post may arrive after it. Default 2. */
  readonly latency?: number
  /** Called with everything that is posted. */
  readonly posted?: (message: unknown) => void
}

interface Tab {
  frozen: boolean
  latency: number
  /** What waits until the tab is thawed. */
  readonly inbox: (() => void)[]
}

interface Member {
  readonly name: string
  readonly tab: Tab
  readonly listeners: Set<(message: unknown) => void>
}

interface Turn {
  readonly tab: Tab
  readonly begin: () => void
}

export function createSimulatedTabs(clock: Clock, { latency = 2, posted }: SimulatedTabsOptions = {}): SimulatedTabs {
  const members = new Set<Member>()
  const stored = new Map<string, number>()
  const holders = new Map<string, Tab>()
  const queues = new Map<string, Turn[]>()

  function giveBack(name: string, tab: Tab) {
    if (holders.get(name) !== tab) return
    holders.delete(name)
    queues.get(name)?.shift()?.begin()
  }

  function deliver(member: Member, message: unknown) {
    const tell = () => {
      if (members.has(member)) for (const listener of [...member.listeners]) listener(message)
    }
    if (member.tab.frozen) member.tab.inbox.push(tell)
    else tell()
  }

  function join(tab: Tab, name: string, numbers: boolean): TabGroup {
    const member: Member = { name, tab, listeners: new Set() }
    members.add(member)
    return {
      post(message) {
        if (!members.has(member)) return
        const copy = cloned(message)
        posted?.(copy)
        for (const other of members) {
          if (other === member || other.name !== name) continue
          clock.setTimeout(() => deliver(other, cloned(copy)), tab.latency)
        }
      },
      listen(listener) {
        member.listeners.add(listener)
      },
      exclusively(work, signal) {
        return new Promise((resolve, reject) => {
          const begin = () => {
            holders.set(name, tab)
            signal.removeEventListener('abort', giveUp)
            work()
              .then(resolve, reject)
              .finally(() => giveBack(name, tab))
          }
          const queue = queues.get(name) ?? []
          const turn: Turn = { tab, begin }
          const giveUp = () => {
            remove(queue, turn)
            reject(signal.reason as Error)
          }
          if (!holders.has(name)) return begin()
          queues.set(name, queue)
          queue.push(turn)
          signal.addEventListener('abort', giveUp, { once: true })
        })
      },
      read: (label) => (numbers ? (stored.get(`${name}:${label}`) ?? 0) : 0),
      write: (label, value) => void (numbers && stored.set(`${name}:${label}`, value)),
      leave() {
        members.delete(member)
      },
    }
  }

  function open(numbers: boolean): SimulatedTab {
    const tab: Tab = { frozen: false, latency, inbox: [] }
    return {
      join: (name) => join(tab, name, numbers),
      freeze: () => void (tab.frozen = true),
      thaw() {
        tab.frozen = false
        for (const tell of tab.inbox.splice(0)) tell()
      },
      slow: (next) => void (tab.latency = next),
      kill() {
        for (const member of [...members]) if (member.tab === tab) members.delete(member)
        for (const queue of queues.values())
          for (const turn of queue.filter((turn) => turn.tab === tab)) remove(queue, turn)
        for (const [name, holder] of [...holders]) if (holder === tab) giveBack(name, tab)
      },
    }
  }

  return {
    open: () => open(true),
    openWorker: () => open(false),
    stored,
    clearStorage: () => stored.clear(),
  }
}

function remove<Item>(list: Item[], item: Item) {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}

/** jsdom has no structured clone, and Jest does not add one. What tabs post is plain data. */
function cloned(message: unknown): unknown {
  return typeof structuredClone === 'function' ? structuredClone(message) : JSON.parse(JSON.stringify(message))
}
