/** The part of the process that a drain on a signal needs. */
export interface SignalHost {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
  listenerCount(signal: NodeJS.Signals): number
  exit(code: number): void
}

export interface SignalTasks {
  /** Drains and closes. False: the drain was cancelled. */
  empty(): Promise<boolean>
  /** What has to finish before the process may end, if it ends here. */
  finish?(): Promise<void>
  hurry(): void
  /** Monotonic milliseconds. */
  now(): number
  onError(error: unknown, doing: string): void
}

/**
 * Milliseconds within which a repeated signal counts as the same one. A terminal sends it to the whole process group,
 * and the program that started this process passes it on (`node --watch` 1 to 30 ms later, `concurrently` up to 130
 * ms). Nobody deliberately sends two in that time.
 */
const TOGETHER = 500

/**
 * The first signal runs `empty`, the second `hurry`. When `empty` is done, the process ends, with 0, or 1 if it failed.
 * It does not end if somebody else listens to the signal, who then decides when: by listening at all, this listener has
 * disabled the default of ending the process. If the drain was cancelled nothing ends, and the next signal counts as
 * the first. Returns the undo.
 */
export function onSignal(
  host: SignalHost,
  signal: NodeJS.Signals,
  { empty, finish = async () => undefined, hurry, now, onError }: SignalTasks,
): () => void {
  let begunAt: number | null = null
  let undone = false
  const listener = () => {
    if (begunAt !== null) return void (now() - begunAt >= TOGETHER && hurry())
    begunAt = now()
    const end = async (code: number) => {
      if (host.listenerCount(signal) === 1) await finish()
      // The listener stays to the very end: without any listener, a repeated signal would kill the process.
      if (host.listenerCount(signal) === 1) host.exit(code)
      host.off(signal, listener)
    }
    empty().then(
      (emptied) => {
        if (emptied) return end(0)
        begunAt = null
        if (undone) host.off(signal, listener)
      },
      (error: unknown) => {
        onError(error, `draining on ${signal}`)
        return end(1)
      },
    )
  }
  host.on(signal, listener)
  return () => {
    undone = true
    // While the server drains, the signal may be repeated: without a listener it would kill the process before the end.
    if (begunAt === null) host.off(signal, listener)
  }
}
