/** What happened to a topic, whichever log stored it. */
export interface TopicRecord {
  readonly epoch: string
  /** The newest offset that has been trimmed. */
  readonly trimmed: number
  /** Every entry that the epoch ever had, also trimmed ones. */
  archive(
    epoch: string,
  ): readonly { readonly epoch: string; readonly offset: number; readonly data: unknown; readonly hidden: boolean }[]
  /** How often a publish with this data was applied, in all epochs. */
  applied(data: unknown): number
}

export interface ToldGap {
  readonly epoch: string
  readonly from: number | null
  readonly to: number | null
}

/** What a page receives and does, as far as there are promises about it. */
export interface Witness {
  break(promise: string): void
  /** The page learnt where its subscription begins. Only the first answer counts. */
  started(epoch: string, after: number): void
  delivered(message: { epoch: string; offset: number; data: unknown }): void
  gap(gap: ToldGap): void
  published(id: string): void
  settled(id: string, outcome: 'ack' | 'refused' | 'unknown', code?: string): void
  /** A sign-out: later events belong to another session, which begins where its first answer says. */
  newSession(): void
  /**
   * The page was live and is not any more, with these legs. While one of them serves, a page that was live must stay
   * live.
   */
  lapsed(status: string, legs: readonly { readonly leg: number; readonly sound: boolean }[]): void
}

/** The state of a judge: everything that it knows besides the log. */
export interface JudgeState {
  readonly waiting: readonly string[]
  /** Publishes that are settled, and those of them that were refused. */
  readonly settled: readonly string[]
  readonly refused: readonly string[]
  /** The page has everything up to this position, or was told that it will not get it. */
  readonly position: { readonly epoch: string; readonly offset: number } | null
  /** The last reported gap, if nothing was delivered since, and the newest trimmed offset at that time. */
  readonly told: (ToldGap & { readonly trimmed: number }) | null
}

/** Compares what one page saw with what happened in the log. Every broken promise is one sentence. */
export interface Judge extends Witness {
  readonly broken: readonly string[]
  readonly state: JudgeState
  /** Whether this publish is not settled yet. */
  waits(id: unknown): boolean
  /** What is still owed, as sentences: nothing if every publish is settled and everything was delivered or reported. */
  owed(): string[]
}

/** The state of a judge when a page begins. */
export const NOTHING_SEEN: JudgeState = { waiting: [], settled: [], refused: [], position: null, told: null }

export function createJudge(log: TopicRecord, from = NOTHING_SEEN): Judge {
  const broken: string[] = []
  const waiting = new Set(from.waiting)
  const settled = new Set(from.settled)
  const refused = new Set(from.refused)
  let { position, told } = from

  const fault = (promise: string) => void broken.push(promise)

  /** The entries of the epoch between two offsets that this page may see. */
  const between = (epoch: string, after: number, before: number) =>
    log.archive(epoch).filter(({ offset, hidden }) => !hidden && offset > after && offset < before)

  const kept = (epoch: string, offset: number) => epoch === log.epoch && offset > log.trimmed

  return {
    broken,
    get state() {
      return { waiting: [...waiting], settled: [...settled], refused: [...refused], position, told }
    },
    break: fault,
    started(epoch, after) {
      position ??= { epoch, offset: after }
    },
    delivered({ epoch, offset, data }) {
      if (!position) return fault(`${offset} was delivered before any server had answered`)
      const same = epoch === position.epoch
      if (same && offset <= position.offset)
        return fault(`${offset} was delivered although the page was at ${position.offset} already`)
      if (!same && told?.epoch !== epoch) fault(`${epoch}:${offset} came after ${position.epoch} without a gap`)
      const skipped = between(epoch, same ? position.offset : 0, offset)
      if (skipped.length > 0 && !told) fault(`${skipped[0]!.offset} was skipped before ${offset}, and no gap was told`)
      const lost = skipped.find((one) => kept(epoch, one.offset))
      if (lost) fault(`${lost.offset} was skipped before ${offset} and could still have been read`)
      const entry = log.archive(epoch).find((one) => one.offset === offset)
      if (!entry || entry.hidden || JSON.stringify(entry.data) !== JSON.stringify(data))
        fault(`${epoch}:${offset} is not what the log has`)
      position = { epoch, offset }
      told = null
    },
    gap(gap) {
      if (!position) fault('a gap before any server had answered')
      else if (gap.epoch === position.epoch) {
        // Hidden entries are in no gap: the page passes them without a report.
        if (
          gap.from === null ||
          gap.from <= position.offset ||
          between(gap.epoch, position.offset, gap.from).length > 0
        )
          fault(`a gap from ${gap.from}, the page was at ${position.offset}`)
        if (gap.from !== null && kept(gap.epoch, gap.from)) fault(`a gap from ${gap.from}, which is still kept`)
        // Two gaps in a row are right if something hidden is between them, or if the second was still stored when the
        // first was reported.
        if (
          told?.epoch === gap.epoch &&
          (gap.from === null || told.to === null || (gap.from <= told.to + 1 && gap.from <= told.trimmed))
        )
          fault(`two gaps in a row from ${gap.from}`)
        if (gap.to !== null) position = { epoch: gap.epoch, offset: Math.max(position.offset, gap.to) }
      }
      told = { ...gap, trimmed: gap.epoch === log.epoch ? log.trimmed : Infinity }
    },
    published: (id) => void waiting.add(id),
    waits: (id) => waiting.has(id as string),
    settled(id, outcome, code) {
      if (!waiting.delete(id)) return fault(`the publish ${id} was settled twice`)
      settled.add(id)
      if (outcome === 'refused') refused.add(id)
      // No server refuses a publish here, so a refusal because of its order means that the client sent it in the wrong
      // order.
      if (outcome === 'refused' && code !== undefined && code !== 'closed') fault(`${id} was refused: ${code}`)
      const times = log.applied(id)
      if (outcome === 'ack' && times !== 1) fault(`${id} is acknowledged and was applied ${times} times`)
      if (outcome === 'refused' && times !== 0) fault(`${id} is refused and was applied ${times} times`)
      if (times > 1) fault(`${id} was applied ${times} times`)
    },
    newSession() {
      position = null
      told = null
    },
    lapsed(status, legs) {
      const serving = legs.find(({ sound }) => sound)
      if (serving) fault(`${status} though leg ${serving.leg} was serving`)
    },
    owed() {
      const say = [...waiting].map((id) => `the publish ${id} is not settled`)
      // A publish that was still on its way when it was settled may have reached the log since.
      for (const id of settled) {
        const times = log.applied(id)
        if (times > 1 || (times > 0 && refused.has(id)))
          say.push(`the publish ${id} was ${refused.has(id) ? 'refused' : 'settled'} and is applied ${times} times`)
      }
      if (!position) return [...say, 'no server has answered']
      const known = told?.epoch === log.epoch ? told : null
      if (position.epoch !== log.epoch && !known) say.push(`the page was not told that ${position.epoch} is over`)
      const from = position.epoch === log.epoch ? position.offset : 0
      const missed = between(log.epoch, from, Infinity).filter(({ offset }) => !known || kept(log.epoch, offset))
      if (missed.length > 0) say.push(`${missed.map(({ offset }) => offset).join(', ')} never came`)
      return say
    },
  }
}
