'use client'
import { useEffect, useInsertionEffect, useState } from 'react'
import type { LiveSocketOptions } from '../options/options.js'
import { keyOf, type HeldSocket } from './held-socket.js'
import type { SharedSockets } from './shared-sockets.js'

/** Finds the socket of these options and, while `enabled`, holds it from the component's first effect to its last. */
export function useHeldSocket(
  share: SharedSockets,
  options: LiveSocketOptions | undefined,
  enabled: boolean,
): HeldSocket | undefined {
  const [found, setFound] = useState(() => options && share(options))
  let held = found
  if (found?.key !== (options && keyOf(options))) setFound((held = options && share(options)))

  useInsertionEffect(() => {
    if (options) held?.follow(options)
  })
  useEffect(() => {
    if (!held || !enabled) return
    const first = share(held.options, held)
    if (first === held) return held.acquire()
    // Two renders under one key came with different options, and the other one was committed first.
    setFound(first)
  }, [share, held, enabled])
  return held
}
