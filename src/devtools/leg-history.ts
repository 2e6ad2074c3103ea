/** What is known of one leg. Times are milliseconds since the recording began. */
export interface RecordedLeg {
  readonly number: number
  dialled: number
  opened: number | null
  /** When the server welcomed it. */
  ready: number | null
  /** When it became the active leg. */
  serving: number | null
  /** When another leg took over from it. */
  retired: number | null
  closed: number | null
  server: string
  url: string
  code: number | null
  by: 'client' | 'server' | null
  /**
   * Messages that this leg brought: passed on, dropped as duplicates, held back. Without a breakable WebSocket only
   * those of the active leg are counted.
   */
  delivered: number
  duplicates: number
  held: number
}

/** The newest 100 legs of one live socket. */
export interface LegHistory {
  readonly legs: readonly RecordedLeg[]
  get(leg: number): RecordedLeg | undefined
  dialling(leg: number, at: number): void
  opened(leg: number, url: string, at: number): void
  ready(leg: number, server: string, url: string, at: number): void
  serving(leg: number | null, at: number): void
  closed(leg: number, code: number, by: 'client' | 'server', at: number): void
  clear(): void
}

const LIMIT = 100

export function createLegHistory(): LegHistory {
  let legs: RecordedLeg[] = []
  let active: number | null = null
  const get = (number: number) => legs.findLast((leg) => leg.number === number)

  const add = (number: number, at: number): RecordedLeg => {
    const leg: RecordedLeg = {
      number,
      dialled: at,
      opened: null,
      ready: null,
      serving: null,
      retired: null,
      closed: null,
      server: '',
      url: '',
      code: null,
      by: null,
      delivered: 0,
      duplicates: 0,
      held: 0,
    }
    legs.push(leg)
    if (legs.length > LIMIT) legs.shift()
    return leg
  }
  // The leg may have been dialled before the recording began; and a new session counts its legs from 1 again.
  const living = (number: number, at: number) => {
    const leg = get(number)
    return leg && leg.closed === null ? leg : add(number, at)
  }

  return {
    get legs() {
      return legs
    },
    get,
    dialling: (number, at) => void add(number, at),
    opened(number, url, at) {
      const leg = living(number, at)
      Object.assign(leg, { opened: leg.opened ?? at, url })
    },
    ready(number, server, url, at) {
      const leg = living(number, at)
      Object.assign(leg, { opened: leg.opened ?? at, ready: leg.ready ?? at, server, url })
    },
    serving(number, at) {
      if (number === active) return
      const before = active === null ? undefined : get(active)
      if (before && before.closed === null) before.retired = at
      active = number
      const leg = number === null ? undefined : get(number)
      // A leg that serves again because the newer one died counts as never retired.
      if (leg) Object.assign(leg, { serving: leg.serving ?? at, retired: null })
    },
    closed(number, code, by, at) {
      const leg = get(number)
      if (leg && leg.closed === null) Object.assign(leg, { closed: at, code, by })
    },
    clear() {
      legs = legs.filter((leg) => leg.closed === null)
    },
  }
}
