/** The process, or as much of it as a drain on a signal needs. */
export interface SignalHost {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
  listenerCount(signal: NodeJS.Signals): number
  exit(code: number): void
}

/**
 * At the first signal `empty` runs, at the second `hurry`. When `empty` has come to its end, the process ends with 0, unless
 * somebody else listens to the signal and so has yet to say when: by listening at all we took away that it ends the process.
 * Returns the undo.
 */
export function onSignal(host: SignalHost, signal: NodeJS.Signals, { empty, hurry }: { empty(): Promise<unknown>; hurry(): void }): () => void {
  let begun = false
  const listener = () => {
    if (begun) return hurry()
    begun = true
    void empty().then(() => {
      host.off(signal, listener)
      if (host.listenerCount(signal) === 0) host.exit(0)
    })
  }
  host.on(signal, listener)
  return () => void host.off(signal, listener)
}
