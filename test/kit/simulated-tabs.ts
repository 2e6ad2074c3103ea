import type { Clock } from '../../src/base/clock.js'
import type { TabGroup, Tabs } from '../../src/host/tabs.js'

/** One browser on a simulated clock: its tabs talk, take turns and share numbers. */
export interface SimulatedBrowser {
  open(): SimulatedTab
  /** A worker: as a tab, without the numbers. */
  openWorker(): SimulatedTab
  /** Everything that was posted, for canaries. */
  readonly posted: readonly unknown[]
  /** What localStorage would show. */
  readonly stored: ReadonlyMap<string, number>
  /** The user clears the site's data. */
  clearStorage(): void
}

export interface SimulatedTab extends Tabs {
  /** What others post waits; a turn that it holds stays held. */
  freeze(): void
  thaw(): void
  /** What it posts from now on takes so many milliseconds. */
  slow(latency: number): void
  /** The tab crashes: its turn is given back, and nothing of it runs on. */
  kill(): void
}

/** @param latency milliseconds that a post takes; a turn is handed over at once, so that posts may come after it. */
export function createSimulatedBrowser(clock: Clock, latency = 2): SimulatedBrowser {
  interface Member {
    readonly name: string
    readonly listeners: Set<(message: unknown) => void>
    readonly tab: Tab
    left: boolean
  }
  interface Tab {
    frozen: boolean
    dead: boolean
    latency: number
    readonly inbox: (() => void)[]
  }
  interface Turn {
    readonly tab: Tab
    readonly begin: () => void
  }
  const members = new Set<Member>()
  const stored = new Map<string, number>()
  const posted: unknown[] = []
  const holders = new Map<string, Tab>()
  const queues = new Map<string, Turn[]>()

  function giveBack(name: string, tab: Tab) {
    if (holders.get(name) !== tab) return
    holders.delete(name)
    queues.get(name)?.shift()?.begin()
  }

  function open(numbers = true): SimulatedTab {
    const tab: Tab = { frozen: false, dead: false, latency, inbox: [] }

    function deliver(member: Member, message: unknown) {
      const tell = () => {
        if (!member.left) for (const listener of [...member.listeners]) listener(message)
      }
      if (member.tab.dead) return
      if (member.tab.frozen) member.tab.inbox.push(tell)
      else tell()
    }

    function join(name: string): TabGroup {
      const member: Member = { name, listeners: new Set(), tab, left: false }
      members.add(member)
      return {
        post(message) {
          if (member.left || tab.dead) return
          const copy: unknown = structuredClone(message)
          posted.push(copy)
          for (const other of members) {
            if (other === member || other.name !== name) continue
            clock.setTimeout(() => deliver(other, structuredClone(copy)), tab.latency)
          }
        },
        listen(listener) {
          member.listeners.add(listener)
          return () => void member.listeners.delete(listener)
        },
        exclusively(work, signal) {
          return new Promise((resolve, reject) => {
            const begin = (contended: boolean) => {
              holders.set(name, tab)
              work(contended)
                .then(resolve, reject)
                .finally(() => giveBack(name, tab))
            }
            if (!holders.has(name)) return begin(false)
            const queue = queues.get(name) ?? []
            queues.set(name, queue)
            const turn: Turn = { tab, begin: () => begin(true) }
            queue.push(turn)
            signal.addEventListener('abort', () => {
              if (!queue.includes(turn)) return
              queue.splice(queue.indexOf(turn), 1)
              reject(signal.reason)
            })
          })
        },
        read: (label) => (numbers ? (stored.get(`${name}:${label}`) ?? 0) : 0),
        write: (label, value) => void (numbers && stored.set(`${name}:${label}`, value)),
        leave() {
          member.left = true
          members.delete(member)
        },
      }
    }

    return {
      join,
      freeze: () => void (tab.frozen = true),
      thaw() {
        tab.frozen = false
        for (const tell of tab.inbox.splice(0)) tell()
      },
      slow: (latency) => void (tab.latency = latency),
      kill() {
        tab.dead = true
        for (const member of [...members]) if (member.tab === tab) members.delete(member)
        for (const queue of queues.values()) {
          for (const turn of queue.filter((turn) => turn.tab === tab)) queue.splice(queue.indexOf(turn), 1)
        }
        for (const [name, holder] of [...holders]) if (holder === tab) giveBack(name, tab)
      },
    }
  }

  return { open: () => open(), openWorker: () => open(false), posted, stored, clearStorage: () => stored.clear() }
}
