/**
 * Remembered of the past, so that what a server sends again after a break is not told again. An identity may be as long
 * as a server likes; numbers of eight digits take 1 MiB or so.
 */
const MOST = { identities: 100_000, characters: 2 * 1024 * 1024 }

/**
 * What each leg has brought, by name. A name counts between two legs and never within one: what a leg brings twice are
 * two messages, and each of them is a repeat where another leg has told one of that name which this leg has not brought
 * yet.
 */
export interface RecentIdentities {
  /** The leg says hello: what was told until now it may bring again. */
  begin(leg: number): void
  /** Whether that leg would repeat what another one has told. */
  repeats(leg: number, name: string): boolean
  /** That leg brings it. False: it is a repeat. */
  bring(leg: number, name: string): boolean
  /** Nothing comes from that leg any more. */
  end(leg: number): void
}

/** Names with a number each, the oldest first, within the bounds above. */
interface Names {
  readonly numbers: Map<string, number>
  /** Goes on where it was: a new one looks at the place of each name that was removed. */
  readonly oldest: Iterator<string>
  characters: number
}

function noNames(): Names {
  const numbers = new Map<string, number>()
  return { numbers, oldest: numbers.keys(), characters: 0 }
}

export function createRecentIdentities(): RecentIdentities {
  /** Told before the newest hello, and the newest leg that has brought it. */
  const past = noNames()
  /** How often, where it was more than once. */
  const many = noNames()
  /**
   * Told since then, and how often: apart from the past, which what a server sends again must not push out before its
   * turn.
   */
  const present = noNames()
  /** What others have told since a leg's hello, by how many times that leg has yet to bring it. */
  const owing = new Map<number, Names>()

  const inPast = (leg: number, name: string) => leg > (past.numbers.get(name) ?? Infinity)

  return {
    begin(leg) {
      for (const [name, times] of present.numbers) {
        const before = past.numbers.has(name) ? (many.numbers.get(name) ?? 1) : 0
        if (before + times > 1) put(many, name, before + times)
        // What another leg has yet to bring of it is in its own book.
        put(past, name, leg - 1)
      }
      present.numbers.clear()
      present.characters = 0
      owing.set(leg, noNames())
    },
    repeats: (leg, name) => (owing.get(leg)?.numbers.has(name) ?? false) || inPast(leg, name),
    bring(leg, name) {
      const mine = owing.get(leg)
      const by = past.numbers.get(name)
      if (by !== undefined && leg > by) {
        const times = many.numbers.get(name) ?? 1
        put(past, name, leg)
        if (mine && times > 1) add(mine, name, times - 1)
        // Another leg may be in the middle of the same: what this one has passed that one will bring as well.
        if (owing.size > 1) for (const [other, names] of owing) if (other !== leg && other > by) add(names, name, times)
        return false
      }
      const owed = mine?.numbers.get(name)
      if (owed !== undefined) {
        if (owed > 1) mine!.numbers.set(name, owed - 1)
        else remove(mine!, name)
        return false
      }
      add(present, name, 1)
      if (owing.size > 1) for (const [other, names] of owing) if (other !== leg) add(names, name, 1)
      return true
    },
    end: (leg) => void owing.delete(leg),
  }
}

function add(names: Names, name: string, times: number) {
  put(names, name, (names.numbers.get(name) ?? 0) + times)
}

function put(names: Names, name: string, number: number) {
  const { numbers } = names
  if (numbers.delete(name)) names.characters -= name.length
  numbers.set(name, number)
  names.characters += name.length
  while (numbers.size > MOST.identities || (names.characters > MOST.characters && numbers.size > 1))
    remove(names, names.oldest.next().value as string)
}

function remove(names: Names, name: string) {
  if (names.numbers.delete(name)) names.characters -= name.length
}
