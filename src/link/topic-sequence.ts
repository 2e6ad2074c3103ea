import type { Position } from '../protocol/frames.js'

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

/** What a leg said that it serves of a topic. */
export interface Named {
  readonly epoch: string
  readonly head: number
  readonly after: number
  /** The position that this answered; null where it answered `{}`, or nothing. */
  readonly from: Position | null
  /** The newest offset that this leg brought since: it brings nothing up to here a second time. */
  tail: number
}

/** What one ready leg was asked of a topic, and what it said. A leg that was asked anew has named nothing yet. */
export interface LegView {
  readonly generation: number
  /** The newest `subscribe` while it is unanswered. */
  asked: { readonly id: string; readonly from: Position | null } | null
  named: Named | null
  refused: boolean
}

/**
 * Whether everything after the position still comes on this leg. The tail is part of it: a leg that already brought
 * something past the position, which then was not in sequence, has shown that it does not bring what is between.
 */
export function covers(named: Named | null | undefined, position: Position): boolean {
  return !!named && named.epoch === position.epoch && named.after <= position.offset && named.tail <= position.offset
}

/** Re-subscriptions from one position before the hole is taken for real. */
export const TRIES = 2

export type Verdict =
  /** Nothing to do: what comes next is on its way. */
  | { readonly do: 'go on' }
  | { readonly do: 'wait for the old leg' }
  | { readonly do: 'ask again' }
  | { readonly do: 'tell a gap'; readonly to: number; readonly reason: 'trimmed' | 'lost' }

/**
 * What to do about a topic from which nothing more can be told right now. `tries`: how often the active leg was asked again
 * from this position. `waited`: the time that the old leg gets is over.
 */
export function judge(
  position: Position,
  active: LegView | undefined,
  old: LegView | undefined,
  firstHeld: { readonly prev: number } | undefined,
  waited: boolean,
  tries: number,
): Verdict {
  const named = active?.named
  if (!named || covers(named, position)) return { do: 'go on' }
  // Waiting cannot help where the two do not even number alike.
  if (named.epoch !== position.epoch) return { do: 'ask again' }
  if (!waited && covers(old?.named, position)) return { do: 'wait for the old leg' }
  // An answer speaks for what is after the position that was asked from: not for what lies before it, where a rewind went.
  const answered = named.from !== null && named.from.epoch === position.epoch && named.from.offset <= position.offset
  const held = firstHeld?.prev ?? Infinity
  if (answered && named.after > position.offset) {
    return held < named.after ? { do: 'tell a gap', to: held, reason: 'lost' } : { do: 'tell a gap', to: named.after, reason: 'trimmed' }
  }
  if (tries >= TRIES && firstHeld) return { do: 'tell a gap', to: held, reason: 'lost' }
  return { do: 'ask again' }
}

/** Held messages of one topic by offset. The first one's `prev` is the lowest. */
export interface Holding {
  readonly first: HeldMessage | undefined
  /** False: one with that offset is held already. */
  add(message: HeldMessage): boolean
  /** Takes out the next one in sequence after `offset`, and forgets those that are not after it. */
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
      // Two legs may name different predecessors, where one of them mentions hidden messages and the other one skips them.
      // Each says truly that nothing visible is between; so a message inherits the claim of one that reaches over it.
      for (let i = Math.min(at + 1, held.length - 1); i > 0; i--) {
        const before = held[i - 1]!
        const after = held[i]!
        if (after.prev >= before.offset) {
          if (i <= at) break
          continue
        }
        before.prev = Math.min(before.prev, after.prev)
        after.prev = before.offset
      }
      return fresh
    },
    take(offset) {
      for (;;) {
        const first = held[0]
        if (!first || first.prev > offset) return undefined
        held.shift()
        total.messages--
        total.bytes -= first.bytes
        if (first.offset > offset) return first
      }
    },
    clear() {
      for (const { bytes } of held) total.bytes -= bytes
      total.messages -= held.length
      held = []
    },
  }
}

/**
 * About how many bytes a value takes on the wire, without encoding it: strings by their length, 8 for every other leaf, 2 more for
 * every member. Walks by a stack of its own, as what a server sends may be nested deeper than the engine's stack.
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
