/** The two client identifiers of a client at its broker: each handover switches from one to the other. */
export type Slot = 0 | 1

/** What the legs of a session share at their broker. */
export interface MqttSessions {
  /** The identifier for a new leg, and whether the broker may have kept messages under that identifier meanwhile. */
  begin(leg: number): { readonly slot: Slot; readonly resumes: boolean }
  /** The broker has accepted the leg. */
  serves(leg: number): void
  gone(leg: number): void
  /** Whether another leg serves beside this one. */
  hasOther(leg: number): boolean
  /**
   * The number of a subscription. It is the same on every leg, because messages that a broker has kept have the number
   * of the earlier leg.
   */
  numberOf(filter: string): number
  filterOf(number: number): string | undefined
}

export function mqttSessions(): MqttSessions {
  const slots = new Map<number, Slot>()
  /** Legs that serve, the newest last. */
  let serving: number[] = []
  let last: Slot | null = null
  const numbers = new Map<string, number>()
  const filters = new Map<number, string>()
  return {
    begin(leg) {
      const newest = serving.at(-1)
      const slot: Slot = newest === undefined ? (last ?? 0) : slots.get(newest) === 0 ? 1 : 0
      slots.set(leg, slot)
      return { slot, resumes: newest === undefined && last !== null }
    },
    serves(leg) {
      serving.push(leg)
      last = slots.get(leg)!
    },
    gone(leg) {
      serving = serving.filter((one) => one !== leg)
      const newest = serving.at(-1)
      if (newest !== undefined) last = slots.get(newest)!
      slots.delete(leg)
    },
    hasOther: (leg) => serving.some((one) => one !== leg),
    numberOf(filter) {
      const number = numbers.get(filter) ?? numbers.size + 1
      numbers.set(filter, number)
      filters.set(number, filter)
      return number
    },
    filterOf: (number) => filters.get(number),
  }
}
