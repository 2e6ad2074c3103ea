import { inDevelopment } from '../base/development.js'
import { brief, explain } from '../base/explanation.js'
import { isObject } from '../options/option-table.js'
import type { LiveSocketOptions } from '../options/options.js'
import { keyOf } from '../options/settings.js'
import { insidesOf } from '../socket/insides.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { createLiveSocket } from '../socket/whole-socket.js'
import { following } from './latest.js'

/** `enabled` is decided by each component for itself. */
export type HeldOptions = LiveSocketOptions & { readonly enabled?: boolean }

/** A socket that lives as long as somebody holds it, and `LINGER` longer. */
export interface HeldSocket {
  /** The options from which it was made. */
  readonly options: HeldOptions
  readonly socket: LiveSocket
  /** True while somebody holds it, and `LINGER` longer. Undefined: nobody has held it yet. */
  readonly held: boolean | undefined
  /**
   * The first holder connects it. Returns a function that lets go: the socket is closed `LINGER` after the last one.
   */
  acquire(): () => void
  /**
   * From here on the functions among these options are called. Options that do not match the first ones change nothing.
   */
  follow(options: HeldOptions): void
}

/** Milliseconds: long enough for the next page of an application to load and to hold the same socket. */
const LINGER = 1_000

/** Inert: until it is held nothing is connected and nothing global is touched. */
export function createHeldSocket(options: HeldOptions): HeldSocket {
  let latest = options
  // Functions are looked up when they are called, so a new closure never costs a reconnection.
  const socket = createLiveSocket({
    ...following(options, () => latest),
    ...(options.handover && { handover: following(options.handover, () => latest.handover!) }),
  })
  const { clock } = insidesOf(socket)!.settings
  let holders = 0
  let held: boolean | undefined
  let cancelClose: (() => void) | undefined
  let warned = false
  return {
    options,
    socket,
    get held() {
      return held
    },
    acquire() {
      cancelClose?.()
      held = true
      // If the last holder left a moment ago the socket is still connected, unless the application has closed it.
      if (!holders++) socket.connect()
      return () => {
        if (--holders) return
        cancelClose = clock.setTimeout(() => {
          held = false
          socket.close()
        }, LINGER)
      }
    },
    follow(given) {
      const names = differing(options, given)
      if (names.length === 0) latest = given
      else if (!brief && !warned && inDevelopment()) {
        warned = true
        const key = keyOf(options)
        console.warn(
          explain`livesocket: the socket ${key === null ? 'of this component' : `"${key}"`} is in use with another ${names.join(', ')}, and the first options count. Use the same ones everywhere, or give this socket a key of its own.`,
        )
      }
    },
  }
}

/**
 * Options that are not compared: objects with code in them, which renders often make anew, and `enabled`, which makes
 * no other socket.
 */
const OPAQUE = /^(protocol|schemas|methods|environment|enabled)$/

/**
 * The names of the options that would make another socket, as far as they can be compared: all functions count as
 * equal.
 */
export function differing(a: object, b: object): string[] {
  return Object.keys({ ...a, ...b }).filter((name) => {
    const one: unknown = a[name as never]
    const other: unknown = b[name as never]
    return (
      !OPAQUE.test(name) &&
      !(typeof one === 'function' && typeof other === 'function') &&
      // A URL is compared as text.
      (String(one) !== String(other) || (isObject(one) && isObject(other) && differing(one, other).length > 0))
    )
  })
}
