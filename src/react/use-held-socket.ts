'use client'
import { useEffect, useInsertionEffect } from 'react'
import type { LiveSocketOptions } from '../options/options.js'
import { keyOf, type HeldSocket } from './held-socket.js'
import type { FindSocket } from './shared-sockets.js'
import { useMade } from './use-made.js'

/** Finds the socket of these options and, while `enabled`, holds it from the component's first effect to its last. */
export function useHeldSocket(
  find: FindSocket,
  options: LiveSocketOptions | undefined,
  enabled: boolean,
): HeldSocket | undefined {
  const [held, setHeld] = useMade(() => options && find(options), [options && keyOf(options)])

  useInsertionEffect(() => held?.follow(options!))
  // biome-ignore lint/correctness/useExhaustiveDependencies: `setHeld` is another one in every render, and does the same
  useEffect(() => {
    if (!held || !enabled) return
    const first = find(held.options, held)
    if (first === held) return held.acquire()
    // Two renders under one key came with different options, and the other one was committed first.
    setHeld(first)
  }, [find, held, enabled])
  return held
}
