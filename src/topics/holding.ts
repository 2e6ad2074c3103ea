/** The content of a message. */
export interface Told {
  readonly data?: unknown
  readonly hasData: boolean
  readonly id?: string | undefined
  readonly by?: unknown
}

/** A message that a leg brought and that is not delivered yet. */
export interface HeldMessage {
  readonly frame: Told
  readonly offset: number
  prev: number
  readonly leg: number
  readonly replayed: boolean
  readonly bytes: number
}

/** Messages of one topic that are too early, by offset. */
export class Holding {
  #held: HeldMessage[] = []
  readonly #total: { messages: number; bytes: number }

  /** @param total is updated with the messages and bytes held here. */
  constructor(total: { messages: number; bytes: number }) {
    this.#total = total
  }

  /** The first held message. It has the lowest `prev`. */
  get first(): HeldMessage | undefined {
    return this.#held[0]
  }

  /** False: a message with that offset is held already. */
  add(message: HeldMessage): boolean {
    const held = this.#held
    let at = held.length
    while (at > 0 && held[at - 1]!.offset >= message.offset) at--
    const same = held[at]
    const fresh = same?.offset !== message.offset
    if (fresh) {
      held.splice(at, 0, message)
      this.#total.messages++
      this.#total.bytes += message.bytes
    } else {
      same!.prev = Math.min(same!.prev, message.prev)
    }
    // Two legs may name different predecessors, if one of them mentions hidden messages and the other one skips them.
    // Each truthfully says that nothing visible lies between, so a message inherits the lower `prev` of a later message
    // that reaches past it.
    for (let i = Math.min(at + 1, held.length - 1); i > 0; i--) {
      const before = held[i - 1]!
      const after = held[i]!
      if (after.prev < before.offset) before.prev = Math.min(before.prev, after.prev)
      else if (i <= at) break
    }
    return fresh
  }

  /**
   * Removes and returns the first message, if it directly follows `offset`. All held messages are after `offset`,
   * because the position only passes one by taking it.
   */
  take(offset: number): HeldMessage | undefined {
    const first = this.#held[0]
    if (!first || first.prev > offset) return undefined
    this.#held.shift()
    this.#total.messages--
    this.#total.bytes -= first.bytes
    return first
  }

  clear() {
    for (const { bytes } of this.#held) this.#total.bytes -= bytes
    this.#total.messages -= this.#held.length
    this.#held = []
  }
}

/**
 * About how many bytes a value takes on the wire, without encoding it: strings count their length, every other leaf 8,
 * every member 2 more. Uses a stack of its own, since what a server sends may be nested deeper than the engine's stack
 * allows.
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
