import type { Clock } from '../base/clock.js'
import type { TabGroup, Tabs } from '../host/tabs.js'

/** The tabs of one browser: they talk, take turns and share numbers. */
export interface SimulatedTabs {
  /** One more tab. */
  open(): Tabs
}

/** @param latency milliseconds that a post takes; a turn is handed over at once, so that posts may come after it. */
export function createSimulatedTabs(clock: Clock, latency = 2): SimulatedTabs {
  interface Member {
    readonly name: string
    readonly listeners: Set<(message: unknown) => void>
  }
  const members = new Set<Member>()
  const numbers = new Map<string, number>()
  const taken = new Set<string>()
  const queues = new Map<string, (() => void)[]>()

  function giveBack(name: string) {
    const next = queues.get(name)?.shift()
    if (next) next()
    else taken.delete(name)
  }

  function join(name: string): TabGroup {
    const member: Member = { name, listeners: new Set() }
    members.add(member)
    return {
      post(message) {
        if (!members.has(member)) return
        const copy = cloned(message)
        for (const other of members) {
          if (other === member || other.name !== name) continue
          clock.setTimeout(() => {
            if (members.has(other)) for (const listener of [...other.listeners]) listener(cloned(copy))
          }, latency)
        }
      },
      listen(listener) {
        member.listeners.add(listener)
        return () => void member.listeners.delete(listener)
      },
      exclusively(work, signal) {
        return new Promise((resolve, reject) => {
          const begin = (contended: boolean) => {
            taken.add(name)
            signal.removeEventListener('abort', giveUp)
            work(contended)
              .then(resolve, reject)
              .finally(() => giveBack(name))
          }
          const turn = () => begin(true)
          const queue = queues.get(name) ?? []
          const giveUp = () => {
            queue.splice(queue.indexOf(turn), 1)
            reject(signal.reason as Error)
          }
          if (!taken.has(name)) return begin(false)
          queues.set(name, queue)
          queue.push(turn)
          signal.addEventListener('abort', giveUp, { once: true })
        })
      },
      read: (label) => numbers.get(`${name}:${label}`) ?? 0,
      write: (label, value) => void numbers.set(`${name}:${label}`, value),
      leave() {
        members.delete(member)
      },
    }
  }

  return { open: () => ({ join }) }
}

/** jsdom has no structured clone, and Jest gives it none; what tabs post is plain. */
function cloned(message: unknown): unknown {
  return typeof structuredClone === 'function' ? structuredClone(message) : JSON.parse(JSON.stringify(message))
}
