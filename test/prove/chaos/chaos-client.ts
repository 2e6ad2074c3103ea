import { WebSocket } from 'ws'
import { systemClock, type Random } from '../../../src/base/clock.js'
import { createLiveSocket } from '../../../src/index.js'
import { presence } from '../../../src/presence/index.js'
import { createJudge, type ToldGap, type TopicRecord } from '../judge.js'
import { WorldPage } from '../page.js'
import { ROOM } from './chaos-service.js'
import { followSide } from './side-topic.js'
import type { Plan } from './trouble.js'

type Told =
  | { readonly kind: 'start'; readonly epoch: string; readonly offset: number }
  | { readonly kind: 'message'; readonly epoch: string; readonly offset: number; readonly data: unknown }
  | { readonly kind: 'gap'; readonly gap: ToldGap }
  | { readonly kind: 'published'; readonly id: string }
  | { readonly kind: 'settled'; readonly id: string; readonly outcome: 'ack' | 'refused' | 'unknown' }

/** What a client still lacks after it had enough time. */
export interface Owed {
  readonly head: number
  readonly sideHead: number
  readonly there: string
}

export type ChaosClient = ReturnType<typeof startClient>

/** A page that uses every feature and records what it received. */
export function startClient(url: string, name: string, plan: Plan, random: Random) {
  const told: Told[] = []
  const faults: string[] = []
  let publishing = true
  let count = 0
  let waiting = 0
  let at = 0
  const page = new WorldPage()
  const socket = createLiveSocket({
    url: `${url}?${name}`,
    ...(plan.tokens && { getToken: async () => ({ token: `${name}-token-${++count}`, ttl: 1_500 }) }),
    tokenRefresh: { lifetime: 1_500 },
    handover: { dwell: 0 },
    reconnect: { spread: 50, cap: 200 },
    heartbeat: { interval: 300, timeout: 200 },
    connectTimeout: 600,
    outbox: { ackTimeout: 500 },
    debug: false,
    environment: { WebSocket, ...page.sensors },
  })
  socket.subscribe(ROOM, (data, { epoch, offset }) => {
    at = offset
    told.push({ kind: 'message', epoch, offset, data })
  })
  socket.on('gap', (gap) => {
    if (gap.topic !== ROOM) return
    at = Math.max(at, gap.to ?? 0)
    told.push({ kind: 'gap', gap })
  })
  socket.on('error', ({ error }) => void faults.push(`an error event: ${error.message}`))
  socket.on('session-ended', ({ reason }) => void faults.push(`the session ended: ${reason}`))
  const here = presence<number, string>(socket, ROOM, {
    data: 0,
    onError: ({ message }) => void faults.push(`it may not be present: ${message}`),
  })
  const side = followSide(socket, random)
  let said = 0
  let shrank = 0
  let members = here.members.getState()
  here.members.subscribe((list) => {
    if (list.length < members.length) shrank++
    members = list
  })

  let begun = false
  let awaySince: number | null = null
  let longestAway = 0
  socket.store.subscribe(({ status }) => {
    if (begun && status !== 'live') awaySince ??= systemClock.monotonic()
    if (status === 'live' && awaySince !== null) {
      longestAway = Math.max(longestAway, systemClock.monotonic() - awaySince)
      awaySince = null
    }
    const position = begun || status !== 'live' ? null : socket.position(ROOM)
    if (!position) return
    begun = true
    at = position.offset
    told.push({ kind: 'start', ...position })
  })
  socket.connect()

  let publishes = 0
  function publish() {
    const id = `${name}-${++publishes}`
    told.push({ kind: 'published', id })
    waiting++
    const settled = (outcome: 'ack' | 'refused' | 'unknown') => {
      waiting--
      told.push({ kind: 'settled', id, outcome })
    }
    socket.publish(ROOM, id).then(
      () => settled('ack'),
      ({ code }: { code?: string }) => settled(code === 'outcome-unknown' ? 'unknown' : 'refused'),
    )
  }

  function ask() {
    const number = ++publishes
    waiting++
    socket.request('double', number).then(
      (answer) => {
        waiting--
        if (answer !== number * 2) faults.push(`a request for ${number} was answered with ${String(answer)}`)
      },
      () => void waiting--,
    )
  }

  function update() {
    waiting++
    here.update(++said).then(
      () => void waiting--,
      ({ message }: Error) => {
        waiting--
        faults.push(`what it says of itself is refused: ${message}`)
      },
    )
  }

  return {
    socket,
    page,
    get shrank() {
      return shrank
    },
    /** The longest absence, including one that still lasts. */
    longestAway: () => Math.max(longestAway, awaySince === null ? 0 : systemClock.monotonic() - awaySince),
    says: () => `${name}:${said}`,
    sees: () =>
      members
        .map(({ user, data }) => `${user}:${data}`)
        .sort()
        .join(' '),
    publishNow() {
      const next = () => {
        if (!publishing) return
        const what = random()
        if (what < 0.1) update()
        else if (what < 0.3) ask()
        else if (what < 0.4) side.turn()
        else publish()
        systemClock.setTimeout(next, 5 + random() * 40)
      }
      next()
    },
    stop: () => void (publishing = false),
    /** Whether everything that it asked for is answered. */
    settled: () => waiting === 0,
    /** Whether it is live on one leg, everything is answered, and everything up to `head` has arrived. */
    done: (head: number, sideHead: number) =>
      faults.length > 0 ||
      (waiting === 0 &&
        at >= head &&
        side.done(sideHead) &&
        socket.store.getState().status === 'live' &&
        socket.store.getState().handover === null),
    /** `owed`: what the client still lacks although it had enough time; null if it had not. */
    judge(record: TopicRecord, sideRecord: TopicRecord, owed: Owed | null): string[] {
      const judge = createJudge(record)
      for (const one of told) {
        if (one.kind === 'start') judge.started(one.epoch, one.offset)
        else if (one.kind === 'message') judge.delivered(one)
        else if (one.kind === 'gap') judge.gap(one.gap)
        else if (one.kind === 'published') judge.published(one.id)
        else judge.settled(one.id, one.outcome)
      }
      const broken = [...faults, ...judge.broken, ...judge.owed(), ...side.judge(sideRecord)]
      if (!owed) return broken
      const { status, handover } = socket.store.getState()
      const late: string[] = []
      if (status !== 'live' || handover) late.push(`it is ${handover ? 'handing over' : status} long after all is well`)
      if (waiting > 0) late.push(`${waiting} publishes or requests are not answered`)
      if (this.sees() !== owed.there) late.push(`it sees ${this.sees()}, and there are ${owed.there}`)
      if (at < owed.head) late.push(`it is at ${at} of ${owed.head}`)
      if (!side.done(owed.sideHead)) late.push(`it is at ${side.at()} of ${owed.sideHead} of the other topic`)
      return [...broken, ...late]
    },
  }
}
