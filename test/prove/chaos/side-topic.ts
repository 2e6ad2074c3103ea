import type { Random } from '../../../src/base/clock.js'
import type { LiveSocket } from '../../../src/index.js'
import type { TopicRecord } from '../judge.js'
import { SIDE } from './chaos-service.js'

/** A topic that the client subscribes to and leaves all the time, sometimes with the last few messages. */
export function followSide(socket: LiveSocket, random: Random) {
  const broken: string[] = []
  const told: { readonly offset: number; readonly data: unknown }[] = []
  let unsubscribe: (() => void) | null = null
  /** The position of the present subscription. */
  let at: number | null = null
  let [wanted, got] = [0, 0]

  socket.on('gap', ({ topic, from, to }) => {
    if (topic !== SIDE || at === null) return
    if (from !== null && from > at + 1) broken.push(`${SIDE}: a gap from ${from} came after ${at}`)
    at = Math.max(at, to ?? at)
  })

  return {
    turn() {
      if (unsubscribe) {
        unsubscribe()
        unsubscribe = null
        return
      }
      at = null
      got = 0
      wanted = Math.floor(random() * 4)
      unsubscribe = socket.subscribe(
        SIDE,
        (data, { offset }) => {
          if (at !== null && offset !== at + 1) broken.push(`${SIDE}: ${offset} came after ${at}`)
          told.push({ offset, data })
          at = offset
          got++
        },
        wanted > 0 ? { from: { last: wanted } } : {},
      )
    },
    at: () => `${JSON.stringify(socket.position(SIDE))}, told ${got} of the last ${wanted}, up to ${at},`,
    /** Whether a subscribed client has everything, including as many of the earlier messages as it asked for. */
    done: (head: number) => !unsubscribe || (socket.position(SIDE)?.offset === head && got >= Math.min(wanted, head)),
    judge(record: TopicRecord): string[] {
      const kept = new Map(record.archive(record.epoch).map(({ offset, data }) => [offset, data]))
      const wrong = told.find(({ offset, data }) => kept.get(offset) !== data)
      return wrong ? [...broken, `${SIDE}: ${wrong.offset} is told as ${String(wrong.data)}`] : broken
    },
  }
}
