import { rawProtocol, type RawMessage } from '../foreign/raw.js'
import { perSession } from '../foreign/raw-session.js'
import type { Position } from '../protocol/frames.js'
import type { Protocol, WireData } from '../protocol/protocol.js'
import { awaited } from './awaited.js'
import { frameKeys } from './frame-keys.js'
import { isObject, handoverIn, section } from './json.js'

/** A publication, as Centrifugo sends it. */
export interface CentrifugePublication {
  readonly data: unknown
  /** Who published it, if the server says so. */
  readonly info: unknown
  readonly tags: Readonly<Record<string, unknown>> | undefined
}

/** Options of `centrifuge()`. */
export interface CentrifugeOptions {
  /** More fields for the `connect` command, such as `data`. Default: none. */
  connect?: () => Record<string, unknown>
  /** More fields for a channel's `subscribe` command, such as its own `token`. Default: none. */
  subscribe?: (channel: string) => Record<string, unknown>
  /**
   * The channel on which clients are asked to hand over before a server stops. A publication there may have `url`,
   * `deadline` and `spread`, and `node`, the name or id of that server; without `node` every client hands over.
   * Default: no such channel is subscribed.
   */
  handover?: string
}

type Said = Record<string, unknown>

/** What the legs of a session share. */
interface Known {
  /** Legs that serve, the newest last. */
  legs: number[]
  /** Whether the server said that it can resume a channel from a position. */
  readonly recoverable: Map<string, boolean>
}

/** Milliseconds until the server closes the connection itself, if a request to hand over names no deadline. */
const HANDOVER = { deadline: 30_000 }
/** `token expired`. */
const EXPIRED = 109
/** `unauthorized`. */
const UNAUTHORIZED = 101
/** The server's close code for a token that it cannot read. */
const INVALID_TOKEN = 3500

/**
 * A Centrifugo server, or one built with the centrifuge library, in its JSON protocol. The URL is one like
 * `wss://example.com/connection/websocket`. A topic is a channel, and a message's data is a `CentrifugePublication`. In
 * a channel with history and positioning each publication has an offset in an epoch: every message comes once and in
 * order over any handover and break, and what is missing is one gap with its bounds. A publication without an offset is
 * delivered when the newest connection brings it, and nothing is promised about it. A publish goes to a channel; it is
 * sent once and is answered. A topic `rpc:NAME` calls that method and gives its result.
 *
 * The token of `getToken` is sent with `connect`, and a fresh one on the living connection with `refresh`. Tested
 * against the client of `centrifuge` and the published protocol; the server itself is not available for tests.
 */
export function centrifuge({
  connect = () => ({}),
  subscribe = () => ({}),
  handover,
}: CentrifugeOptions = {}): Protocol {
  const begin = (): Known => ({ legs: [], recoverable: new Map() })
  const sessions = perSession(begin)
  // Long because it is a table: what each frame means, one method each, over the state of one leg at its top.
  return rawProtocol(() => {
    const { keyOf, frameOf } = frameKeys<Said>()
    let known = begin()
    let leg = 0
    let count = 0
    let wanted: ReadonlyMap<string, Position | null> = new Map()
    let connectId = 0
    let connected: Said | null = null
    /**
     * Subscribes without an answer, by id, and whether each resumes from a position; and those that the welcome waits
     * for.
     */
    const subscribes = new Map<number, { channel: string; recovers: boolean }>()
    const waiting = new Set<number>()
    const channels = new Set<string>()
    const epochs = new Map<string, string>()
    const pings = new Set<number>()
    const publishes = awaited<string>()
    const positions = new WeakMap<object, { offset: number; epoch: string | undefined }>()

    const command = (body: Said) => JSON.stringify({ id: ++count, ...body })
    const subscribed = (all: Iterable<readonly [string, Position | null]>) =>
      [...all].map(([channel, at]) => {
        const recovers = at !== null && at.offset > 0 && (known.recoverable.get(channel) ?? true)
        channels.add(channel)
        const text = command({
          subscribe: {
            ...subscribe(channel),
            channel,
            ...(recovers && { recover: true, offset: at.offset, epoch: at.epoch }),
          },
        })
        subscribes.set(count, { channel, recovers })
        return text
      })
    const serving = () => known.legs.at(-1) === leg
    const errorIn = (said: Said | undefined) => (said && isObject(said['error']) ? said['error'] : null)
    const pushIn = (data: WireData) => section(frameOf(data) ?? {}, 'push')

    function publication(channel: string, pub: Said): RawMessage | null {
      const data: CentrifugePublication = {
        data: pub['data'],
        info: pub['info'],
        tags: isObject(pub['tags']) ? pub['tags'] : undefined,
      }
      const offset = pub['offset']
      if (typeof offset !== 'number' || offset === 0)
        return serving() || !known.legs.length ? { topic: channel, data, alone: true } : null
      return numbered({ topic: channel, data }, offset)
    }
    function numbered(message: RawMessage, offset: number): RawMessage {
      positions.set(message, { offset, epoch: epochs.get(message.topic) })
      return message
    }

    /** What a subscription begins with: the missed messages, or the channel's position. */
    function beginning(channel: string, recovers: boolean, result: Said): RawMessage[] {
      const { epoch, offset, publications, recoverable, positioned, recovered } = result
      if (typeof epoch === 'string' && epoch !== '') epochs.set(channel, epoch)
      known.recoverable.set(channel, recoverable === true)
      const missed = Array.isArray(publications) ? (publications as Said[]) : []
      const messages = missed.flatMap((pub) => publication(channel, pub) ?? [])
      const numbers = recoverable === true || positioned === true
      if (!numbers || typeof offset !== 'number' || offset === 0 || (recovers && recovered === true)) return messages
      return [...messages, numbered({ topic: channel, data: undefined, head: true }, offset)]
    }

    return {
      name: 'centrifuge',
      binary: false,
      hello(ask) {
        known = sessions(ask.session)
        leg = ask.leg
        wanted = ask.topics
        const text = command({ connect: { ...connect(), name: 'livesocket', ...(ask.token && { token: ask.token }) } })
        connectId = count
        return text
      },
      split: (data) =>
        String(data)
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => {
            const said: unknown = JSON.parse(line)
            return keyOf(isObject(said) ? said : {})
          }),
      reply(data) {
        const said = frameOf(data)!
        // The server's ping is an empty object.
        if (Object.keys(said).length === 0) return connected?.['pong'] === true ? '{}' : null
        if (said['id'] !== connectId || !isObject(said['connect'])) return null
        connected = said['connect']
        const all = subscribed(wanted)
        for (const id of subscribes.keys()) waiting.add(id)
        const commands = handover === undefined ? all : [...all, ...subscribed([[handover, null]])]
        if (waiting.size === 0) known.legs.push(leg)
        return commands.length > 0 ? commands.join('\n') : null
      },
      waiting: () => (connected ? [...waiting].flatMap((id) => subscribes.get(id)?.channel ?? []) : null),
      begins(data) {
        const said = frameOf(data)!
        const asked = subscribes.get(said['id'] as number)
        subscribes.delete(said['id'] as number)
        if (!asked || asked.channel === handover || !isObject(said['subscribe'])) return null
        return beginning(asked.channel, asked.recovers, said['subscribe'])
      },
      ready(data) {
        const id = frameOf(data)!['id'] as number
        if (waiting.delete(id) && waiting.size === 0) known.legs.push(leg)
        const { node } = connected ?? {}
        return (
          connected !== null &&
          waiting.size === 0 && {
            server: typeof node === 'string' && node !== '' ? node : undefined,
          }
        )
      },
      refused(data) {
        const said = frameOf(data)!
        const { channel, unsubscribe } = pushIn(data)
        if (isObject(unsubscribe) && channels.delete(String(channel)))
          return { topic: String(channel), reason: String(unsubscribe['reason'] ?? 'unsubscribed'), ended: true }
        const error = errorIn(said)
        const asked = error && subscribes.get(said['id'] as number)
        if (!asked || asked.channel === handover) return null
        channels.delete(asked.channel)
        return { topic: asked.channel, reason: String(error['message']) }
      },
      unauthorized(data) {
        const said = frameOf(data)!
        const error = said['id'] === connectId ? errorIn(said) : null
        return error && (error['code'] === EXPIRED || error['code'] === UNAUTHORIZED) && String(error['message'])
      },
      invalid(data) {
        const said = frameOf(data)!
        const error = errorIn(said)
        if (!error || publishes.has(String(said['id'])) || pings.has(said['id'] as number)) return null
        return `the server said: ${String(error['message'])}`
      },
      closed(code) {
        if (code === INVALID_TOKEN) return 'unauthorized'
        if ((code > 3500 && code < 4000) || (code >= 4500 && code < 5000)) return 'ended'
        return code >= 3000 && code < 5000 ? 'retry' : null
      },
      handover(data) {
        const { channel, pub } = pushIn(data)
        if (handover === undefined || channel !== handover || !isObject(pub)) return false
        const asked = section(pub, 'data')
        const mine = asked['node'] === undefined || asked['node'] === connected?.['node']
        return mine && { ...HANDOVER, ...definedIn(handoverIn(asked)) }
      },
      ping() {
        const text = command({ ping: {} })
        pings.add(count)
        return text
      },
      pong: (data) => pings.delete(frameOf(data)!['id'] as number),
      message(data) {
        const { channel, pub } = pushIn(data)
        if (typeof channel !== 'string' || !isObject(pub) || channel === handover || !channels.has(channel)) return null
        return publication(channel, pub)
      },
      position: (message) => positions.get(message) ?? { offset: 1 },
      subscribe: (topics) => subscribed(topics),
      unsubscribe: (topics) =>
        topics.filter((topic) => channels.delete(topic)).map((channel) => command({ unsubscribe: { channel } })),
      publish({ topic, data, id }) {
        const method = /^rpc:(.+)$/.exec(topic)?.[1]
        const text = command(method === undefined ? { publish: { channel: topic, data } } : { rpc: { method, data } })
        publishes.set(String(count), id)
        return text
      },
      answer(data) {
        const said = frameOf(data)!
        const id = publishes.get(String(said['id']))
        if (id === undefined) return null
        publishes.delete(String(said['id']))
        const error = errorIn(said)
        if (!error) return { id, data: section(said, 'rpc')['data'] }
        return { id, refused: String(error['message']), code: error['code'] === 103 ? 'forbidden' : 'refused' }
      },
      auth: (token) => command({ refresh: { token } }),
      lost() {
        known.legs = known.legs.filter((one) => one !== leg)
        return []
      },
    }
  })
}

function definedIn(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
