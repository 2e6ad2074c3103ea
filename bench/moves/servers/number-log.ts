/** Numbers from 1 on, for generators that follow them. */
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
    /** What comes after `from`, which is by default the newest. */
    async *follow(from = top, signal?: AbortSignal) {
      signal?.addEventListener('abort', wake)
      for (let at = from; !ended && !signal?.aborted; ) {
        while (at < top) yield ++at
        await new Promise<void>((resolve) => void wakers.add(resolve))
      }
    },
  }
}
