'use client'
import { useCallback, useInsertionEffect, useSyncExternalStore } from 'react'
import { keyOf } from '../options/settings.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { HeldOptions } from './held-socket.js'
import type { FindSocket } from './shared-sockets.js'
import { useMade } from './use-made.js'

/**
 * The socket of these options: while `enabled` it is held from the component's first effect to its last. Two renders
 * under one key may come with different options: then it is the one that was held first.
 */
export function useHeldSocket(
  find: FindSocket,
  options: HeldOptions | undefined,
  enabled = true,
): LiveSocket | undefined {
  const own = useMade(() => options && find(options), [options && keyOf(options)])
  const hold = useCallback(() => (own && enabled ? find(own.options, own).acquire() : () => {}), [find, own, enabled])
  const getHeld = () => own && find(own.options, own)
  const held = useSyncExternalStore(hold, getHeld, getHeld)
  useInsertionEffect(() => held?.follow(options!))
  return held?.socket
}
