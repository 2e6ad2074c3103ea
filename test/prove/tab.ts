import type { TimelineMark, TimelinePicture } from '../../src/devtools/timeline.js'
import type { Random } from '../../src/base/clock.js'
import type { NetworkHint } from '../../src/host/network.js'
import type { PageChange } from '../../src/host/page.js'
import type { LiveSocket, LiveSocketOptions } from '../../src/index.js'
import type { Tabs } from '../../src/host/tabs.js'
import type { Witness } from './judge.js'
import { draw } from './draw.js'
import { WorldPage } from './page.js'
import { createPublishWatch } from './publish-watch.js'
import type { TokenService } from './token-service.js'
import { createWorldSocket, type Connection, type ServerEnd } from './wire.js'
import type { WorldClock } from './world-clock.js'

export type CreateLiveSocket = (options: LiveSocketOptions) => LiveSocket

export const TOPIC = 'room'

/** What a page does or receives on its own. Everything else happens to servers, or on the way to them. */
export type OfPage =
  | 'publish'
  | 'handover'
  | 'sign-out'
  | Exclude<PageChange, 'resumed' | 'activated' | 'leaving'>
  | Exclude<NetworkHint, 'change'>
  | 'network-change'

/** One tab: the real client and its observers. */
export interface Tab {
  readonly socket: LiveSocket
  readonly page: WorldPage
  readonly connections: readonly Connection[]
  readonly happenings: Readonly<Record<OfPage, () => void>>
  signIn(): void
  forgetOver(): void
  /** Everything that differs from a world without trouble, besides what its judge reports. Empty: all is well. */
  amiss(): string[]
  readonly signedOut: boolean
  /** Empty if no picture was asked for. */
  picture(marks: readonly TimelineMark[]): TimelinePicture[]
}

export interface TabDeps {
  readonly name: string
  readonly create: CreateLiveSocket
  readonly clock: WorldClock
  readonly judge: Witness
  readonly tokens: Pick<TokenService, 'ask' | 'given'> | null
  readonly tabs: Tabs
  readonly random: Random
  readonly dwell: number
  /** The origins of all servers. */
  readonly origins: string[]
  serverAt(url: string): ServerEnd | null
  tick(): number
  /** Null: no story is printed. */
  readonly say: ((line: string) => void) | null
  /** The horizontal position in a picture. */
  readonly place: (() => number) | null
}

/** A leg counts as serving if something arrived within this time, ms: less than any heartbeat of this world. */
const HEARD_OF = 5_000

export function createTab({ name, clock, judge, tokens, say: tell, place, ...deps }: TabDeps): Tab {
  const page = new WorldPage()
  const connections: Connection[] = []
  const welcomed = new Set<Connection>()
  const heard = new Map<Connection, number>()
  const say = tell && ((line: string) => tell(`${name} ${line}`))
  const watchPublish = createPublishWatch((rule) => judge.break(`a rule of the contract: ${rule}`))
  let publishes = 0
  let signedOut = false
  /** Tokens from before the last sign-out: none of them may be sent any more. */
  let former: readonly string[] = []

  const WebSocket = createWorldSocket({
    serverAt: deps.serverAt,
    get cut() {
      return page.offline
    },
    dialled(connection) {
      forgetOver()
      connections.push(connection)
      say?.(`dials leg ${connection.leg}, ${connection.url}`)
      if (connections.filter(({ held }) => held).length > 2) judge.break('three legs at once (client rule 1)')
    },
    sent(connection, text) {
      say?.(`${connection.leg} ↑ ${text}`)
      watchPublish(text)
      if (former.some((token) => text.includes(token))) judge.break('a token left after its sign-out')
    },
    arriving(connection, queue, item) {
      const text = item.kind === 'text' ? item.text : null
      tell?.(`${queue.name} ${text ?? item.kind}`)
      if (queue === connection.down) arrived(connection, text)
    },
    tick: deps.tick,
    legs: 0,
  })

  /** Drops connections on which nothing is under way and nothing will be. */
  function forgetOver() {
    for (let at = connections.length - 1; at >= 0; at--) {
      const connection = connections[at]!
      if (!connection.over || connection.down.items.length > 0) continue
      connections.splice(at, 1)
      welcomed.delete(connection)
      heard.delete(connection)
    }
  }

  const socket = deps.create({
    url: 'wss://front.test/live',
    handover: { redirectOrigins: deps.origins, dwell: deps.dwell },
    ...(tokens && { getToken: tokens.ask }),
    debug: false,
    environment: { WebSocket, clock, random: deps.random, ...page.sensors, tabs: deps.tabs },
  })
  const drawing = place && draw(socket, place)
  socket.subscribe(TOPIC, (data, { epoch, offset, leg }) => {
    drawing?.arrived(leg)
    judge.delivered({ epoch, offset, data })
    say?.(`has ${epoch}:${offset}`)
  })
  socket.on('gap', (gap) => {
    drawing?.missed()
    judge.gap(gap)
    say?.(`misses ${gap.epoch}:${gap.from}–${gap.to} (${gap.reason})`)
  })
  socket.on('error', ({ error }) => judge.break(`an error event: ${error.message}`))
  socket.on('session-ended', ({ reason }) => judge.break(`the session ended: ${reason}`))

  let status = socket.store.getState().status
  socket.store.subscribe((state) => {
    if (state.status === status) return
    const before = status
    status = state.status
    say?.(`is ${status}`)
    if (state.closed?.by === 'signed-out') ended()
    if (before !== 'live' || status === 'closed' || page.stored || page.offline) return
    const serving = (one: Connection) =>
      one.sound && welcomed.has(one) && clock.monotonic() - (heard.get(one) ?? 0) < HEARD_OF
    judge.lapsed(status, connections.filter(serving))
  })

  function ended() {
    signedOut = true
    judge.newSession()
  }

  function arrived(connection: Connection, text: string | null) {
    heard.set(connection, clock.monotonic())
    // Only what the page learns about topics matters here, and few frames say it.
    if (text === null || !connection.held || !/"(?:welcome|subscribed)"/.test(text)) return
    const frame = JSON.parse(text) as { type: string; topics?: Record<string, { epoch: string; after: number }> }
    if (frame.type === 'welcome') welcomed.add(connection)
    const answer = frame.topics?.[TOPIC]
    if (answer && (frame.type === 'welcome' || frame.type === 'subscribed')) judge.started(answer.epoch, answer.after)
  }

  const happenings: Tab['happenings'] = {
    publish() {
      const id = `${name}-${++publishes}`
      judge.published(id)
      socket.publish(TOPIC, id).then(
        () => judge.settled(id, 'ack'),
        (error: { readonly code?: string }) =>
          judge.settled(id, error.code === 'outcome-unknown' ? 'unknown' : 'refused', error.code),
      )
    },
    handover: () => void socket.handover().catch(() => {}),
    'sign-out'() {
      former = tokens ? tokens.given() : []
      socket.signOut()
    },
    hidden: () => page.tell('hidden'),
    shown: () => page.tell('shown'),
    stored: () => page.tell('stored'),
    restored: () => page.tell('restored'),
    offline: () => page.hint('offline'),
    online: () => page.hint('online'),
    'network-change': () => page.hint('change'),
  }

  return {
    socket,
    page,
    connections,
    happenings,
    signIn() {
      signedOut = false
      socket.connect()
    },
    get signedOut() {
      return signedOut
    },
    forgetOver,
    picture: (marks) => (drawing ? [drawing.picture(marks)] : []),
    amiss() {
      const { status: now } = socket.store.getState()
      const say: string[] = []
      if (now !== (signedOut ? 'closed' : 'live')) say.push(`it is ${now}`)
      const held = connections.filter((one) => one.held).length
      if (held !== (signedOut ? 0 : 1)) say.push(`it holds ${held} legs`)
      if (connections.some((one) => one.up.items.length > 0 || one.down.items.length > 0))
        say.push('something is under way')
      return say
    },
  }
}
