/** So that a server which repeats some messages after a reconnection repeats them in vain. An identity may be as long as a server likes. */
const MOST = { identities: 10_000, characters: 2 * 1024 * 1024 }

/** The identities of the messages that were delivered last. */
export interface RecentIdentities {
  has(identity: string): boolean
  /** False: it is one of them. */
  add(identity: string): boolean
}

export function createRecentIdentities(): RecentIdentities {
  const recent = new Set<string>()
  let characters = 0
  return {
    has: (identity) => recent.has(identity),
    add(identity) {
      if (recent.has(identity)) return false
      recent.add(identity)
      characters += identity.length
      while (recent.size > MOST.identities || (characters > MOST.characters && recent.size > 1)) {
        const oldest = recent.values().next().value!
        recent.delete(oldest)
        characters -= oldest.length
      }
      return true
    },
  }
}
