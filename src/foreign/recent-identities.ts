/**
 * How much of the past is remembered, so that what a server sends again after a break is not delivered again. An
 * identity may be as long as the server likes; numbers of eight digits take about 1 MiB.
 */
const MOST = { identities: 100_000, characters: 2 * 1024 * 1024 }

/**
 * What each leg has brought, by name. Names are compared between two legs and never within one: what a leg brings twice
 * are two messages. Each of them is a repeat if another leg has delivered one of that name that this leg has not
 * brought yet.
 */
export interface RecentIdentities {
  /** The leg says hello: it may bring again what was delivered until now. */
  begin(leg: number): void
  /** Whether this message would repeat on that leg what another one has delivered. */
  repeats(leg: number, name: string): boolean
  /** The leg brings a message. Returns false if it is a repeat. */
  bring(leg: number, name: string): boolean
  /** The leg has ended. */
  end(leg: number): void
}

/** Names, each with a number, the oldest first, within the bounds above. */
interface Names {
  readonly numbers: Map<string, number>
  /** Kept between uses: a new iterator would pass the place of each name that was removed. */
  readonly oldest: Iterator<string>
  characters: number
}

function noNames(): Names {
  const numbers = new Map<string, number>()
  return { numbers, oldest: numbers.keys(), characters: 0 }
}

export function createRecentIdentities(): RecentIdentities {
  /** Names delivered before the newest hello, each with the newest leg that has brought it. */
  const past = noNames()
  /** How often each of them was delivered, if more than once. */
  const many = noNames()
  /**
   * Names delivered since then, and how often. They are kept apart from the past: what a server sends again must not
   * push a name of the past out before its turn.
   */
  const present = noNames()
  /** By leg: what others have delivered since its hello, and how many times that leg has yet to bring each. */
  const owing = new Map<number, Names>()

  const inPast = (leg: number, name: string) => leg > (past.numbers.get(name) ?? Infinity)

  return {
    begin(leg) {
      for (const [name, times] of present.numbers) {
        const before = past.numbers.has(name) ? (many.numbers.get(name) ?? 1) : 0
        if (before + times > 1) put(many, name, before + times)
        // What another leg has yet to bring of this name is in that leg's own record.
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
        // Another leg may be repeating the same messages: it will bring those too that this leg has just passed.
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
