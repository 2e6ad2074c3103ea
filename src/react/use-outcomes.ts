'use client'
import { useCallback, useState } from 'react'
import type { LiveSocketError } from '../base/errors.js'

export interface Outcomes {
  /** How many of this component's calls wait for their answer. */
  readonly pending: number
  /** Why the last one failed; null from the next call on. */
  readonly error: LiveSocketError | null
}

const NONE: Outcomes = { pending: 0, error: null }

/** What becomes of the calls of one component. `watch` counts a call; a rejection of it is no unhandled one. */
export function useOutcomes(): Outcomes & { watch<Result>(call: Promise<Result>): Promise<Result> } {
  const [outcomes, setOutcomes] = useState(NONE)
  const watch = useCallback(<Result>(call: Promise<Result>) => {
    const settled = (error?: LiveSocketError) =>
      setOutcomes((before) => ({ pending: before.pending - 1, error: error ?? before.error }))
    setOutcomes((before) => ({ pending: before.pending + 1, error: null }))
    call.then(() => settled(), settled)
    return call
  }, [])
  return { ...outcomes, watch }
}
