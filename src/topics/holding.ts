/** A message that a leg brought and that was not told yet. */
export interface HeldMessage {
  readonly offset: number
  prev: number
  readonly data: unknown
  readonly hasData: boolean
  readonly leg: number
  readonly replayed: boolean
  readonly bytes: number
}

/** Held messages of one topic by offset. The first one's `prev` is the lowest. */
export interface Holding {
  readonly first: HeldMessage | undefined
  /** False: one with that offset is held already. */
  add(message: HeldMessage): boolean
  /**
   * Takes out the next one, if it is next after `offset`. Everything held is after `offset`: it is only passed in this
   * way.
   */
  take(offset: number): HeldMessage | undefined
  clear(): void
}

/** `total` is kept up to date with what is held here. */
export function createHolding(total: { messages: number; bytes: number }): Holding {
  let held: HeldMessage[] = []

  return {
    get first() {
      return held[0]
    },
    add(message) {
      let at = held.length
      while (at > 0 && held[at - 1]!.offset >= message.offset) at--
      const same = held[at]
      const fresh = same?.offset !== message.offset
      if (fresh) {
        held.splice(at, 0, message)
        total.messages++
        total.bytes += message.bytes
      } else {
        same!.prev = Math.min(same!.prev, message.prev)
      }
      // Two legs may name different predecessors, where one of them mentions hidden messages and the other one skips
      // them. Each says truly that nothing visible is between; so a message inherits the claim of one that reaches over
      // it.
      for (let i = Math.min(at + 1, held.length - 1); i > 0; i--) {
        const before = held[i - 1]!
        const after = held[i]!
        if (after.prev < before.offset) before.prev = Math.min(before.prev, after.prev)
        else if (i <= at) break
      }
      return fresh
    },
    take(offset) {
      const first = held[0]
      if (!first || first.prev > offset) return undefined
      held.shift()
      total.messages--
      total.bytes -= first.bytes
      return first
    },
    clear() {
      for (const { bytes } of held) total.bytes -= bytes
      total.messages -= held.length
      held = []
    },
  }
}

/**
 * About how many bytes a value takes on the wire, without encoding it: strings by their length, 8 for every other leaf,
 * 2 more for every member. Walks by a stack of its own, as what a server sends may be nested deeper than the engine's
 * stack.
 */
export function estimateBytes(data: unknown): number {
  let bytes = 0
  const rest: unknown[] = [data]
  while (rest.length > 0) {
    const value = rest.pop()
    bytes += 2
    if (typeof value === 'string') bytes += value.length
    else if (value === null || typeof value !== 'object') bytes += 8
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) bytes += value.byteLength
    else if (Array.isArray(value)) for (const item of value) rest.push(item)
    else {
      for (const [key, item] of Object.entries(value)) {
        bytes += key.length
        rest.push(item)
      }
    }
  }
  return bytes
}
