import { createFleet, type Fleet } from './fleet.js'
import type { TopicRecord } from './judge.js'
import type { Part } from './part.js'
import type { Token } from './page-part.js'
import type { State } from './state-hash.js'
import { createWorldSocket, type Connection, type Item } from './wire.js'
import { createWorldClock } from './world-clock.js'
import type { WorldOptions } from './world.js'

/** What servers, their log and the token service can be told. */
export type ToldFleet =
  | { readonly kind: 'happening'; readonly name: string }
  | { readonly kind: 'dial'; readonly leg: number; readonly url: string }
  | { readonly kind: 'text'; readonly leg: number; readonly text: string }
  /** The page has closed the leg, and everything that it sent before has arrived. */
  | { readonly kind: 'close'; readonly leg: number }
  /** The network drops the connection. */
  | { readonly kind: 'reset'; readonly leg: number }
  | { readonly kind: 'ask' }

export interface DoneByFleet {
  readonly sent: readonly { readonly leg: number; readonly item: Item }[]
  /** Undefined: the page asked for no token. */
  readonly token: Token | null | undefined
  /** Rules that the page broke. */
  readonly broken: readonly string[]
}

/**
 * The servers alone: everything that they send is taken from them at once, and they receive only what they are told.
 */
export function beginFleet(options: WorldOptions): Part<ToldFleet, DoneByFleet, TopicRecord> {
  const legs = new Map<number, Connection>()
  const broken: string[] = []
  let order = 0
  let sent: { leg: number; item: Item }[] = []
  const tick = () => ++order
  const fleet = createFleet({
    ...options,
    clock: createWorldClock(),
    tick,
    broken: (rule) => void broken.push(`a rule of the contract: ${rule}`),
  })
  const { servers, log, tokens, newestLegs } = fleet
  const network = {
    serverAt: fleet.serverAt,
    cut: false,
    dialled: (connection: Connection) => void legs.set(connection.leg, connection),
    arriving: () => {},
    sent: () => {},
    tick,
    legs: 0,
  }
  const Socket = createWorldSocket(network)
  let given: Token | null | undefined

  function act(told: ToldFleet) {
    if (told.kind === 'happening') return fleet.happening(told.name)!()
    if (told.kind === 'ask') {
      tokens.asked.push({ resolve: (token) => void (given = token), reject: () => void (given = null) }, tick())
      tokens.asked.arrive()
      return tokens.answered.arrive()
    }
    if (told.kind === 'dial') {
      network.legs = told.leg - 1
      new Socket(told.url)
      return legs.get(told.leg)!.up.arrive()
    }
    const connection = legs.get(told.leg)
    if (!connection) return
    if (told.kind === 'reset') return connection.reset()
    if (told.kind === 'close') return (connection as unknown as WebSocket).close()
    connection.up.push({ kind: 'text', text: told.text }, tick())
    connection.up.arrive()
  }

  /** Everything in the order of sending, over all legs. Of a closed leg nothing is kept. */
  function takeSent() {
    const all = [...legs.values()].flatMap(({ leg, down }) => down.items.map((one) => ({ leg, ...one })))
    for (const { leg, item } of all.sort((a, b) => a.sent - b.sent)) sent.push({ leg, item })
    for (const [leg, { down, served }] of legs) {
      down.items.length = 0
      if (!served) legs.delete(leg)
    }
  }

  return {
    async tell(told) {
      act(told)
      fleet.settle()
      takeSent()
      const done = { sent, token: given, broken: [...broken] }
      sent = []
      given = undefined
      broken.length = 0
      return done
    },
    show: () => recordOf(fleet),
    state: (): State => ({ elapsed: 0, servers, log, tokens, newestLegs, legs }),
  }
}

/** A copy of the log at this moment. */
function recordOf({ log }: Fleet): TopicRecord {
  const { epoch, trimmed } = log
  const archives = new Map(log.epochs.map((of) => [of, [...log.archive(of)]]))
  const applied = new Map(log.publishes.map((data) => [data, log.applied(data)]))
  return { epoch, trimmed, archive: (of) => archives.get(of) ?? [], applied: (data) => applied.get(data) ?? 0 }
}
