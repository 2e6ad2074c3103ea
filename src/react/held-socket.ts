import { inDevelopment } from '../base/development.js'
import { brief, explain } from '../base/explanation.js'
import { isObject } from '../options/option-table.js'
import type { LiveSocketOptions } from '../options/options.js'
import { keyOf } from '../options/settings.js'
import { insidesOf } from '../socket/insides.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { createLiveSocket } from '../socket/whole-socket.js'
import { following } from './latest.js'

/** `enabled` is what each component says for itself. */
export type HeldOptions = LiveSocketOptions & { readonly enabled?: boolean }

/** A socket that lives as long as somebody holds it, and a little longer. */
export interface HeldSocket {
  /** What it was made of. */
  readonly options: HeldOptions
  readonly socket: LiveSocket
  /** Somebody holds it, or did a moment ago. Undefined: nobody has held it yet. */
  readonly held: boolean | undefined
  /** The first holder connects it. Returns the undo: it is closed `LINGER` after the last one has let go. */
  acquire(): () => void
  /**
   * From here on the functions among these options are the ones that are called. Those that do not fit change nothing.
   */
  follow(options: HeldOptions): void
}

/** Long enough for the next page of an application to be loaded and to hold the same socket, ms. */
const LINGER = 1_000

/** Inert: nothing is connected, and nothing global touched, before it is held. */
export function createHeldSocket(options: HeldOptions): HeldSocket {
  let latest = options
  // A new closure never costs a reconnection.
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
      // It is connected still where the last one went a moment ago, unless the application has ended it.
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

/** Objects with code in them, often made anew by every render, and what makes no other socket. */
const OPAQUE = /^(protocol|schemas|methods|environment|enabled)$/

/** The names of the options that would make another socket, as far as can be seen: functions are all alike. */
export function differing(a: object, b: object): string[] {
  return Object.keys({ ...a, ...b }).filter((name) => {
    const one: unknown = a[name as never]
    const other: unknown = b[name as never]
    return (
      !OPAQUE.test(name) &&
      !(typeof one === 'function' && typeof other === 'function') &&
      // A URL is its text.
      (String(one) !== String(other) || (isObject(one) && isObject(other) && differing(one, other).length > 0))
    )
  })
}
