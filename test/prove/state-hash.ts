import { Hasher, type Hash } from './hash.js'
import { BEGAN, START } from './world-clock.js'

export interface State {
  /** Milliseconds since the world began. */
  readonly elapsed: number
  readonly [part: string]: unknown
}

/** The key under which a function or an object with methods lists its variables: test/prove/visible.ts. */
const HELD = Symbol.for('livesocket.held')

/**
 * Fields that only count or number what has happened: two states that differ in nothing else continue in the same way.
 * `sent` and `order` number entries of a queue that is in order anyway.
 */
export const COUNTS: ReadonlySet<string> = new Set(['sent', 'order', 'stats', 'counters', '__counts'])

/**
 * Caches: of a leg, how its last frames began. Each frame is read as it would be alone, whatever came before it
 * (test/protocol/frame-reader.test.ts).
 */
const CACHES: ReadonlySet<string> = new Set(['__frames'])

/** A number this much above a clock's start is a time, and only its distance from now counts. */
const SPAN = 10_000_000

/** The prefix of a value, so that two values of different kinds never begin alike. */
enum Kind {
  number = 1,
  moment,
  text,
  nothing,
  function,
  again,
  error,
  list,
  map,
  set,
  object,
  topic,
  end,
  covered,
}

/** The hash of each text: names and frames repeat all the time. */
const texts = new Map<string, { readonly hash: Hash; readonly counts: boolean; readonly caches: boolean }>()

function known(value: string) {
  let text = texts.get(value)
  if (!text) {
    const hasher = new Hasher()
    hasher.add(value.length)
    for (let at = 0; at < value.length; at++) hasher.add(value.charCodeAt(at))
    text = { hash: hasher.hash, counts: COUNTS.has(value), caches: CACHES.has(value) }
    texts.set(value, text)
  }
  return text
}

/** The kind of values with this prototype. There are few, and finding the kind again costs as much as hashing. */
const kinds = new Map<unknown, Kind>()

function kindOf(thing: object): Kind {
  if (typeof thing === 'function') return Kind.function
  const prototype: unknown = Object.getPrototypeOf(thing)
  let kind = kinds.get(prototype)
  if (kind === undefined) {
    if (Array.isArray(thing)) kind = Kind.list
    else if (thing instanceof Map) kind = Kind.map
    else if (thing instanceof Set) kind = Kind.set
    else if (thing instanceof Error) kind = Kind.error
    else kind = prototype !== Object.prototype && isTopic(thing) ? Kind.topic : Kind.object
    kinds.set(prototype, kind)
  }
  return kind
}

/**
 * A hash of everything reachable from `root`, independent of names and of absolute time: equal for two states that no
 * visible difference tells apart. Among a million states, two have the same hash by accident with a probability of one
 * in 10⁷. `exact`: also includes what makes no difference (see `CACHES`, `isCovered` and `isDeadlines`).
 */
export function stateHash({ elapsed, ...root }: State, exact = false): Hash {
  const numbers = new Map<object, number>()
  const covered = new Set<unknown>()
  const hasher = new Hasher()

  function text(value: string) {
    const { hash } = known(value)
    hasher.addEach(hash[0], hash[1])
  }

  function number(value: number) {
    const began = value >= START ? START : BEGAN
    if (value >= began && value <= began + SPAN) {
      const distance = Math.round((value - began - elapsed) * 1_000)
      hasher.add(Kind.moment)
      hasher.add(distance)
      hasher.add(Math.floor(distance / 2 ** 32))
    } else {
      hasher.add(Kind.number)
      if ((value | 0) === value) hasher.add(value)
      else text(String(value))
    }
  }

  function visit(value: unknown): void {
    switch (typeof value) {
      case 'number':
        return number(value)
      case 'string':
        hasher.add(Kind.text)
        return text(value)
      case 'function':
      case 'object':
        if (value !== null) return object(value as object)
    }
    hasher.add(Kind.nothing)
    text(String(value))
  }

  function object(thing: object) {
    const before = numbers.get(thing)
    if (before !== undefined) {
      hasher.add(Kind.again)
      return hasher.add(before)
    }
    numbers.set(thing, numbers.size)
    const kind = covered.size > 0 && covered.has(thing) ? Kind.covered : kindOf(thing)
    hasher.add(kind)
    switch (kind) {
      case Kind.covered:
        break
      case Kind.list:
        list(thing as readonly unknown[])
        break
      case Kind.map:
        for (const [key, value] of thing as ReadonlyMap<unknown, unknown>) {
          visit(key)
          visit(value)
        }
        break
      case Kind.set:
        for (const item of thing as ReadonlySet<unknown>) visit(item)
        break
      case Kind.error:
        text(`${(thing as Error).name} ${(thing as Error).message}`)
        break
      case Kind.topic:
        if (!exact) cover(thing as Topic)
        fields(thing)
        break
      default:
        fields(thing)
    }
    hasher.add(Kind.end)
  }

  function list(items: readonly unknown[]) {
    for (const item of !exact && isDeadlines(items) ? inTurn(items) : items) visit(item)
  }

  function cover(topic: Topic) {
    for (const view of [topic.active, topic.old]) if (isCovered(topic, view?.named)) covered.add(view!.named)
  }

  /** Also hashes what a function or an object with methods holds. */
  function fields(thing: object) {
    for (const key of Object.keys(thing)) {
      const { hash, counts, caches } = known(key)
      if (counts || (caches && !exact)) continue
      hasher.addEach(hash[0], hash[1])
      visit((thing as Record<string, unknown>)[key])
    }
    const variables = (thing as { readonly [HELD]?: () => readonly unknown[] })[HELD]
    if (variables) for (const variable of variables()) visit(variable)
    else if (typeof thing === 'function') text(thing.name)
  }

  visit(root)
  return hasher.hash
}

/** An alarm that rings at a time: src/base/deadlines.ts. */
interface Deadline {
  readonly monotonic: number
  readonly task: () => void
}

const isDeadlines = (list: readonly unknown[]): list is readonly Deadline[] => {
  const first = list.length > 1 ? list[0] : null
  return typeof first === 'object' && first !== null && 'monotonic' in first && 'task' in first
}

/** Alarms ring by their times, and only alarms of the same time in the order in which they were set. */
const inTurn = (list: readonly Deadline[]) => [...list].sort((one, other) => one.monotonic - other.monotonic)

/** What the client knows of a topic, and what its two legs said that they serve of it: src/topics/topic-sequence.ts. */
interface Topic {
  readonly epoch: string | null
  readonly offset: number
  readonly active: { readonly named: Named | null } | null
  readonly old: { readonly named: Named | null } | null
}

interface Named {
  readonly epoch: string
  readonly head: number
  readonly after: number
  readonly tail: number
}

const isTopic = (thing: object): thing is Topic => 'generation' in thing && 'active' in thing && 'offset' in thing

/**
 * What a leg said that it serves is only compared with the page's position. In these worlds the position never goes
 * back within an epoch, and an epoch never comes back. Once the position has passed all of it, it has no effect: it
 * makes no difference whether a leg served from the fifth message on or from the third.
 */
const isCovered = ({ epoch, offset }: Topic, named: Named | null | undefined): boolean =>
  !!named && named.epoch === epoch && Math.max(named.head, named.after, named.tail) <= offset
