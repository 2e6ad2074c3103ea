/** The process, or as much of it as a drain on a signal needs. */
export interface SignalHost {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
  listenerCount(signal: NodeJS.Signals): number
  exit(code: number): void
}

export interface SignalTasks {
  /** False: it was taken back. */
  empty(): Promise<boolean>
  /** What has to be over before the process may end, where it is ours to end it. */
  finish?(): Promise<void>
  hurry(): void
  /** Milliseconds that never go back. */
  now(): number
  onError(error: unknown, doing: string): void
}

/**
 * Milliseconds within which a signal that comes again is the same one: a terminal sends it to the whole group, and what
 * started us passes it on (`node --watch` 1 to 30 ms later, `concurrently` up to 130 ms). Nobody asks twice in that
 * time and means it.
 */
const TOGETHER = 500

/**
 * At the first signal `empty` runs, at the second `hurry`. When `empty` has come to its end, the process ends (with 0,
 * or 1 where it failed), unless somebody else listens to the signal and so has yet to say when: by listening at all we
 * took away that it ends the process. Where it was taken back nothing ends, and the next signal is the first one again.
 * Returns the undo.
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
      // Listening to the very end: once nobody does, the same signal that comes again kills the process.
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
    // While it empties, the same signal may come again: with nobody listening it would kill the process before its end.
    if (begunAt === null) host.off(signal, listener)
  }
}
