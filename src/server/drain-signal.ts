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
  hurry(): void
  onError(error: unknown, doing: string): void
}

/**
 * At the first signal `empty` runs, at the second `hurry`. When `empty` has come to its end, the process ends (with 0, or 1 where it failed), unless
 * somebody else listens to the signal and so has yet to say when: by listening at all we took away that it ends the process. Where it was
 * taken back nothing ends, and the next signal is the first one again.
 * Returns the undo.
 */
export function onSignal(host: SignalHost, signal: NodeJS.Signals, { empty, hurry, onError }: SignalTasks): () => void {
  let begun = false
  const listener = () => {
    if (begun) return hurry()
    begun = true
    const end = (code: number) => {
      host.off(signal, listener)
      if (host.listenerCount(signal) === 0) host.exit(code)
    }
    empty().then(
      (emptied) => {
        if (emptied) end(0)
        else begun = false
      },
      (error: unknown) => {
        onError(error, `draining on ${signal}`)
        end(1)
      },
    )
  }
  host.on(signal, listener)
  return () => void host.off(signal, listener)
}
