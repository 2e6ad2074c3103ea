'use client'
import { useCallback, useInsertionEffect, useSyncExternalStore } from 'react'
import { keyOf } from '../options/settings.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { HeldOptions } from './held-socket.js'
import type { FindSocket } from './shared-sockets.js'
import { useMade } from './use-made.js'

/**
 * The socket of these options. While `enabled` the component holds it, from its first effect to its last cleanup. If
 * two renders under one key have different options, both get the socket that was held first. While nobody holds one, a
 * component keeps the socket that it used last, and everything that it knows of it.
 */
export function useHeldSocket(
  find: FindSocket,
  options: HeldOptions | undefined,
  enabled = true,
): LiveSocket | undefined {
  const inUse = useMade(() => {
    let own = options && find(options)
    return () => own && (own = find(options!, own))
  }, [options && keyOf(options)])
  const hold = useCallback(() => (enabled && inUse()?.acquire()) || (() => {}), [inUse, enabled])
  const held = useSyncExternalStore(hold, inUse, inUse)
  useInsertionEffect(() => held?.follow(options!))
  return held?.socket
}
