import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createAccount } from '../../test/kit/account.js'
import type { Line } from './record.js'

/** What the records of publishers and clients show together. Nothing else is judged. */
export interface Verdict {
  /**
   * Messages that were applied, but neither delivered to a client that followed the topic by then nor reported to it in
   * a gap.
   */
  readonly lost: number
  /** The first few lost messages: the client, the number, the topic, and the newest message that the client has. */
  readonly losses: readonly string[]
  readonly repeated: number
  readonly reordered: number
  /** Messages that were delivered although their publisher received a refusal. */
  readonly refusedButDelivered: number
  /** The same, by the refusal that the publisher received. */
  readonly refusals: Readonly<Record<string, number>>
  readonly gaps: number
  /** The most gaps of one client in one topic. */
  readonly mostGaps: number
  /** Applied messages that are missing inside a reported gap. */
  readonly lostInGaps: number
  readonly published: number
  readonly delivered: number
  readonly refused: number
  readonly unknown: number
  /** Publishes with an unknown outcome, and when their publishers learnt it, in milliseconds since 1970. */
  readonly unknowns: readonly Unknown[]
  /** Clients that were live once and not live at some later time. */
  readonly away: number
  /** Clients that gave up. */
  readonly closed: number
  /** The longest time without a message among all followers of `busiest`, ms. */
  readonly longestSilence: number
  /** Dials, and the most dials in one second. */
  readonly dials: number
  readonly dialPeak: number
  /** Legs and dials that ended otherwise than through their client, by close code and reason. */
  readonly broke: Readonly<Record<string, number>>
  /** For each client that was not live: the time from that moment until it was live again, sorted, ms. */
  readonly backAfter: readonly number[]
  /** Milliseconds from publish to delivery, sorted. */
  readonly latency: readonly number[]
}

export interface Unknown {
  readonly topic: string
  readonly n: number
  readonly at: number
}

interface Topic {
  sent: number
  applied: Set<number>
  /** What its publisher received for each number. */
  refused: Map<number, string>
  /** The numbers that each client received, in order. */
  readonly followers: Map<
    string,
    { runs: [from: number, to: number][]; gapsAt: number[]; silence: number; until: number }
  >
}

export async function check(
  paths: readonly string[],
  { busiest, from = 0, until = Infinity }: { busiest: string; from?: number; until?: number },
): Promise<Verdict> {
  const topics = new Map<string, Topic>()
  const clients = new Map<string, { everLive: boolean; awayAt: number | null }>()
  const dials: number[] = []
  const broke: Record<string, number> = {}
  const backAfter: number[] = []
  const latency: number[] = []
  const wasAway = new Set<string>()
  let closed = 0
  const unknowns: Unknown[] = []
  let refused = 0

  const topicOf = (name: string) => {
    const topic = topics.get(name) ?? { sent: 0, applied: new Set(), refused: new Map(), followers: new Map() }
    topics.set(name, topic)
    return topic
  }
  const followerOf = (client: string, name: string) => {
    const { followers } = topicOf(name)
    const follower = followers.get(client) ?? { runs: [], gapsAt: [], silence: 0, until: 0 }
    followers.set(client, follower)
    return follower
  }
  const clientOf = (name: string) => {
    const client = clients.get(name) ?? { everLive: false, awayAt: null }
    clients.set(name, client)
    return client
  }

  const read = (line: Line) => {
    switch (line[0]) {
      case 'follows':
        followerOf(line[1], line[2])
        return
      case 'sent':
        topicOf(line[1]).sent = line[2]
        return
      case 'applied':
        for (let n = line[2]; n <= line[3]; n++) topicOf(line[1]).applied.add(n)
        return
      case 'refused':
        refused++
        topicOf(line[1]).refused.set(line[2], line[3])
        return
      case 'unknown':
        unknowns.push({ topic: line[1], n: line[2], at: line[3] })
        return
      case 'got': {
        const [, client, name, first, last, , at, end, silence] = line
        const follower = followerOf(client, name)
        follower.runs.push([first, last])
        const overlaps = end >= from && at <= until
        if (overlaps)
          follower.silence = Math.max(follower.silence, silence, follower.until === 0 ? 0 : at - follower.until)
        follower.until = end
        return
      }
      case 'gap': {
        const follower = followerOf(line[1], line[2])
        follower.gapsAt.push(follower.runs.length)
        return
      }
      case 'live': {
        const client = clientOf(line[1])
        if (client.awayAt !== null && client.awayAt >= from - 50) backAfter.push(line[2] - from)
        client.everLive = true
        client.awayAt = null
        return
      }
      case 'away': {
        const client = clientOf(line[1])
        client.awayAt = line[2]
        if (client.everLive && line[2] <= until) wasAway.add(line[1])
        return
      }
      case 'closed':
        closed++
        return
      case 'dial':
        if (line[2] >= from && line[2] <= until) dials.push(line[2])
        return
      case 'broke':
        if (line[4] >= from && line[4] <= until) {
          const why = [line[2], line[3]].filter(Boolean).join(' ')
          broke[why] = (broke[why] ?? 0) + 1
        }
        return
      case 'latency':
        for (const value of line[1]) latency.push(value)
        return
      case 'error':
    }
  }
  for (const path of paths) {
    for await (const line of createInterface({ input: createReadStream(path) })) read(JSON.parse(line) as Line)
  }

  const sums = {
    lost: 0,
    lostInGaps: 0,
    repeated: 0,
    reordered: 0,
    refusedButDelivered: 0,
    gaps: 0,
    mostGaps: 0,
    published: 0,
    delivered: 0,
    longestSilence: 0,
  }
  const refusals: Record<string, number> = {}
  const losses: string[] = []
  for (const [name, topic] of topics) {
    sums.published += topic.applied.size
    let last = 0
    for (const n of topic.applied) last = Math.max(last, n)
    for (const [client, { runs, gapsAt, silence }] of topic.followers) {
      // A client that received nothing still followed the topic from the beginning.
      const account = createAccount(runs.length > 0 ? undefined : 1)
      /** The bounds of each reported gap. */
      const told: [after: number, before: number][] = []
      for (const [at, [first, last]] of runs.entries()) {
        if (gapsAt.includes(at)) told.push([account.newest, first])
        for (let n = first; n <= last; n++) {
          account.arrived(n)
          const refusal = topic.refused.get(n)
          if (refusal === undefined) continue
          sums.refusedButDelivered++
          refusals[refusal] = (refusals[refusal] ?? 0) + 1
        }
      }
      if (gapsAt.includes(runs.length)) told.push([account.newest, Infinity])
      sums.delivered += account.delivered - account.repeated
      sums.repeated += account.repeated
      sums.reordered += account.reordered
      sums.gaps += gapsAt.length
      sums.mostGaps = Math.max(sums.mostGaps, gapsAt.length)
      if (name === busiest) sums.longestSilence = Math.max(sums.longestSilence, silence)
      for (const n of account.missing(last)) {
        if (!topic.applied.has(n)) continue
        if (told.some(([after, before]) => after < n && n < before)) sums.lostInGaps++
        else {
          sums.lost++
          if (losses.length < 5) losses.push(`${client} missed ${n} of ${name} and has ${account.newest}, of ${last}`)
        }
      }
    }
  }
  return {
    ...sums,
    losses,
    refusals,
    refused,
    unknown: unknowns.length,
    unknowns,
    closed,
    away: wasAway.size,
    broke,
    dials: dials.length,
    dialPeak: peak(dials.sort((a, b) => a - b)),
    backAfter: backAfter.sort((a, b) => a - b),
    latency: latency.sort((a, b) => a - b),
  }
}

/** The largest number of events in one second. */
function peak(sorted: readonly number[]): number {
  let most = 0
  let first = 0
  for (const [at, time] of sorted.entries()) {
    while (sorted[first]! <= time - 1_000) first++
    most = Math.max(most, at - first + 1)
  }
  return most
}

/** The value below which that fraction of the sorted numbers lies; NaN if there are none. */
export function quantile(sorted: readonly number[], fraction: number): number {
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))]!
}
