// A server in a process of its own, which reports its processor time and memory.
import { setTimeout } from 'node:timers/promises'
import { serveProgram } from '../cluster/program.js'
import { liveHeap } from '../heap/live-heap.js'
import { tick } from '../kit/tick.js'
import { KINDS, type KindName } from './kinds.js'

serveProgram<{ kind: KindName }>(({ kind: name }) => {
  const kind = KINDS[name]().then(({ kind }) => kind)
  let n = 0
  return {
    listen: async () => (await kind).listen(),
    /** Processor time so far, ms. */
    cpu: () => (process.cpuUsage().user + process.cpuUsage().system) / 1_000,
    /** Bytes of the objects in use, and of the memory outside the heap that they hold. */
    async memory() {
      const heap = await liveHeap()
      const { external, rss } = process.memoryUsage()
      return { heap: heap + external, rss }
    },
    /** Publishes at an even rate, so that no leg falls far behind. */
    async publish({ messages, pause }: { messages: number; pause: number }) {
      const { publish } = await kind
      for (let sent = 0; sent < messages; sent++) {
        await publish(tick(++n))
        await setTimeout(pause)
      }
    },
  }
})
