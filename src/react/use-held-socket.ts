'use client'
import { useCallback, useInsertionEffect, useSyncExternalStore } from 'react'
import { keyOf } from '../options/settings.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { HeldOptions } from './held-socket.js'
import type { FindSocket } from './shared-sockets.js'
import { useMade } from './use-made.js'

/**
 * The socket of these options: while `enabled` it is held from the component's first effect to its last. Two renders
 * under one key may come with different options: then it is the one that was held first. Where nobody holds one, a
 * component goes on with the one that it has used last, and all that it knows of it.
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
