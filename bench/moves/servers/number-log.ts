/** A log of the numbers from 1 on, which generators can follow. */
export function numberLog() {
  let top = 0
  let ended = false
  const wakers = new Set<() => void>()
  const wake = () => {
    for (const one of wakers) one()
    wakers.clear()
  }
  return {
    tell(number: number) {
      top = number
      wake()
    },
    end() {
      ended = true
      wake()
    },
    /** The numbers after `from`, which is the newest one by default. */
    async *follow(from = top, signal?: AbortSignal) {
      signal?.addEventListener('abort', wake)
      for (let at = from; !ended && !signal?.aborted; ) {
        while (at < top) yield ++at
        await new Promise<void>((resolve) => void wakers.add(resolve))
      }
    },
  }
}
