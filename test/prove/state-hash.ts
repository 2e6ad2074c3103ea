import { BEGAN, START } from './world-clock.js'

export interface State {
  /** Milliseconds since the world began. */
  readonly elapsed: number
  readonly [part: string]: unknown
}

/** Where a function or an object with methods says what its variables are: test/prove/visible.ts. */
const HELD = Symbol.for('livesocket.held')

/**
 * What only counts or numbers what has happened: two states that differ in nothing else go on in the same way. `sent`
 * and `order` number what is in a queue that is in its order anyway.
 */
export const COUNTS: ReadonlySet<string> = new Set(['sent', 'order', 'stats', 'counters', '__counts'])

/** A number so much above what a clock began with is a moment, and only its distance from now counts. */
const SPAN = 10_000_000

/** What stands before a thing, so that no two different ones begin alike. */
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
  end,
  covered,
}

/** The two hashes of each text: those of names and frames come again and again. */
const texts = new Map<string, readonly [number, number]>()

/**
 * All that can be reached from `root` as one hash of 64 bits, whatever it is called and whenever it happens: the same
 * for two states that nothing which is visible tells apart. Among a million states two others have the same hash with a
 * probability of one in 10⁷. `exact`: also what makes no difference any more (see `isCovered`).
 */
export function stateHash({ elapsed, ...root }: State, exact = false): string {
  const numbers = new Map<object, number>()
  const covered = new Set<unknown>()
  let one = 1
  let two = 2

  function add(value: number) {
    one = firstWith(one, value)
    two = secondWith(two, value)
  }

  function text(value: string) {
    let known = texts.get(value)
    if (!known) {
      known = [value.length, value.length]
      for (let at = 0; at < value.length; at++) {
        const code = value.charCodeAt(at)
        known = [firstWith(known[0], code), secondWith(known[1], code)]
      }
      texts.set(value, known)
    }
    one = firstWith(one, known[0])
    two = secondWith(two, known[1])
  }

  function number(value: number) {
    const began = value >= START ? START : BEGAN
    if (value >= began && value <= began + SPAN) {
      add(Kind.moment)
      text(String(Math.round((value - began - elapsed) * 1_000)))
    } else {
      add(Kind.number)
      if ((value | 0) === value) add(value)
      else text(String(value))
    }
  }

  function visit(value: unknown): void {
    switch (typeof value) {
      case 'number':
        return number(value)
      case 'string':
        add(Kind.text)
        return text(value)
      case 'function':
      case 'object':
        if (value !== null) return object(value as object)
    }
    add(Kind.nothing)
    text(String(value))
  }

  function object(thing: object) {
    const known = numbers.get(thing)
    if (known !== undefined) {
      add(Kind.again)
      return add(known)
    }
    numbers.set(thing, numbers.size)
    if (typeof thing === 'function') {
      add(Kind.function)
      fields(thing)
      held(thing)
    } else if (Array.isArray(thing)) {
      add(Kind.list)
      for (const item of !exact && isDeadlines(thing) ? inTurn(thing) : thing) visit(item)
    } else if (thing instanceof Map) {
      add(Kind.map)
      for (const [key, value] of thing) {
        visit(key)
        visit(value)
      }
    } else if (thing instanceof Set) {
      add(Kind.set)
      for (const item of thing) visit(item)
    } else if (thing instanceof Error) {
      add(Kind.error)
      text(`${thing.name} ${thing.message}`)
    } else if (covered.has(thing)) {
      add(Kind.covered)
    } else {
      add(Kind.object)
      if (!exact && isTopic(thing))
        for (const view of [thing.active, thing.old]) if (isCovered(thing, view?.named)) covered.add(view!.named)
      fields(thing)
      held(thing)
    }
    add(Kind.end)
  }

  function fields(thing: object) {
    for (const key of Object.keys(thing)) {
      if (COUNTS.has(key)) continue
      text(key)
      visit((thing as Record<string, unknown>)[key])
    }
  }

  function held(thing: object) {
    const variables = (thing as { readonly [HELD]?: () => readonly unknown[] })[HELD]
    if (variables) for (const variable of variables()) visit(variable)
    else if (typeof thing === 'function') text(thing.name)
  }

  visit(root)
  return `${(one >>> 0).toString(36)}.${(two >>> 0).toString(36)}`
}

/** As MurmurHash3 takes in 32 bits more. */
function mixed(hash: number, value: number, first: number, second: number): number {
  let mix = Math.imul(value, first)
  mix = Math.imul((mix << 15) | (mix >>> 17), second) ^ hash
  return (Math.imul((mix << 13) | (mix >>> 19), 5) + 0xe6546b64) | 0
}

const firstWith = (hash: number, value: number) => mixed(hash, value, 0xcc9e2d51, 0x1b873593)
const secondWith = (hash: number, value: number) => mixed(hash, value, 0x239b961b, 0xab0e9789)

/** What is to ring at a moment: src/base/deadlines.ts. */
interface Deadline {
  readonly monotonic: number
  readonly task: () => void
}

const isDeadlines = (list: readonly unknown[]): list is readonly Deadline[] => {
  const first = list.length > 1 ? list[0] : null
  return typeof first === 'object' && first !== null && 'monotonic' in first && 'task' in first
}

/** They ring by their moments, and only those of one moment in the order in which they were set. */
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
 * What a leg said that it serves is only ever compared with the page's position, and in these worlds that never goes
 * back within an epoch, nor does an epoch come again: once the position is past all of it, it tells nothing any more,
 * and whether it was the fifth message or the third from which on a leg served makes no difference.
 */
const isCovered = ({ epoch, offset }: Topic, named: Named | null | undefined): boolean =>
  !!named && named.epoch === epoch && Math.max(named.head, named.after, named.tail) <= offset
