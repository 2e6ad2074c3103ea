import { explain } from '../base/explanation.js'
import type { Outgoing, RawHello, RawMessage, RawProtocolOptions, RawRefusal } from '../foreign/raw-options.js'
import type { WireData } from '../protocol/protocol.js'
import { awaited } from './awaited.js'
import { frameKeys } from './frame-keys.js'
import { handoverIn, objectIn } from './json.js'
import { writeConnect, writeDisconnect } from './mqtt-connect.js'
import { filterTakes, isFilter, isTopicName } from './mqtt-filter.js'
import { mqttLeave } from './mqtt-leave.js'
import {
  mqttPackets,
  PACKET,
  PROPERTY,
  writePacket,
  writeProperties,
  type MqttPacket,
  type Part,
} from './mqtt-packets.js'
import { isUnauthorized, reasonOf, TAKEN_OVER } from './mqtt-reasons.js'
import type { MqttSessions } from './mqtt-sessions.js'
import type { MqttMessage, MqttOptions, MqttWill } from './mqtt-options.js'

/** The options of `mqtt()` with every default filled in. */
export interface MqttSettings {
  readonly five: boolean
  readonly qos: (topic: string) => 0 | 1
  readonly retain: (topic: string) => boolean
  readonly identity: NonNullable<MqttOptions['identity']>
  readonly clientId: NonNullable<MqttOptions['clientId']>
  readonly credentials: NonNullable<MqttOptions['credentials']>
  readonly will: MqttWill | undefined
  readonly sessionExpiry: number
  readonly keepAlive: number
  readonly notice: string | null
  readonly leastOverlap: number
  readonly binary: boolean
}

/**
 * One connection to a broker.
 *
 * Long because it is a table: what each packet means, one method each, over the state of one leg at its top.
 */
export function openMqttLeg(settings: MqttSettings, sessions: (session: string) => MqttSessions): RawProtocolOptions {
  const { five, notice } = settings
  const split = mqttPackets(five)
  const { keyOf, frameOf } = frameKeys<MqttPacket>()
  const filters = new Set<string>()
  /** SUBSCRIBEs without an answer, and those among them that the welcome waits for. */
  const subscribes = new Map<number, string>()
  const waiting = new Set<number>()
  const publishes = awaited<string>()
  const pings: ('heartbeat' | 'leave')[] = []
  const leaving = mqttLeave()
  let session: MqttSessions
  let leg = 0
  let hello: RawHello
  let resumes = false
  let connack: MqttPacket | null = null
  let lastId = 0
  /** What the last pong has answered. */
  let ponged: 'heartbeat' | 'leave' | null = null
  let drained = false
  let deaf: string | null = null
  /** Topics that are no topic filters, until they have been reported. */
  let wrong: string[] = []

  const packetOf = (data: WireData, type: number) => {
    const packet = frameOf(data)
    return packet?.type === type ? packet : undefined
  }
  const nextId = () => {
    do lastId = (lastId % 65_535) + 1
    while (publishes.has(String(lastId)) || subscribes.has(lastId))
    return lastId
  }
  const ping = (whose: 'heartbeat' | 'leave') => {
    pings.push(whose)
    return writePacket(PACKET.pingreq, 0, [])
  }
  const bySubscription = () => five && connack?.properties.get(PROPERTY.subscriptionsAvailable)?.[0] !== 0

  function subscribe(filter: string): ArrayBuffer {
    const id = nextId()
    subscribes.set(id, filter)
    if (filter !== notice) filters.add(filter)
    const properties = bySubscription()
      ? writeProperties([[PROPERTY.subscription, session.numberOf(filter)]])
      : five
        ? writeProperties([])
        : []
    // Retain handling 1: retained messages are sent when a subscription begins, and not again if the broker has kept
    // it.
    const options = (filter === notice ? 1 : settings.qos(filter)) + (five ? 16 : 0)
    return writePacket(PACKET.subscribe, 2, [[2, id], ...properties, filter, [1, options]])
  }

  function unsubscribe(all: Iterable<string>): { ids: number[]; packets: ArrayBuffer[] } {
    const ids: number[] = []
    const packets = [...all].map((filter) => {
      const id = nextId()
      ids.push(id)
      return writePacket(PACKET.unsubscribe, 2, [[2, id], ...(five ? writeProperties([]) : []), filter])
    })
    return { ids, packets }
  }

  /** What is sent when the broker has accepted the connection. */
  function begin(packet: MqttPacket): Outgoing {
    connack = packet
    session.serves(leg)
    const all = [...hello.topics.keys()]
    wrong = all.filter((filter) => !isFilter(filter))
    const asked = all.filter(isFilter).map(subscribe)
    for (const id of subscribes.keys()) waiting.add(id)
    return notice === null ? asked : [...asked, subscribe(notice)]
  }

  function reply(data: WireData): Outgoing {
    const packet = frameOf(data)
    ponged = null
    switch (packet?.type) {
      case PACKET.connack:
        return packet.codes[0] === 0 && !connack ? begin(packet) : null
      case PACKET.publish:
        leaving.brought()
        return packet.id === undefined ? null : writePacket(PACKET.puback, 0, [[2, packet.id]])
      case PACKET.unsuback:
        return leaving.unsubscribed(packet.id!) ? ping('leave') : null
      case PACKET.pingresp:
        ponged = pings.shift() ?? null
        if (ponged !== 'leave') return null
        drained = leaving.answered()
        return drained ? null : ping('leave')
      default:
        return null
    }
  }

  function messagesIn(data: WireData): readonly RawMessage[] {
    const packet = packetOf(data, PACKET.publish)
    if (!packet || packet.topic === notice) return []
    const message = messageOf(packet, settings.binary)
    const numbers = packet.properties.get(PROPERTY.subscription) as readonly number[] | undefined
    const to = numbers
      ? numbers.flatMap((number) => session.filterOf(number) ?? []).filter((filter) => filters.has(filter))
      : [...filters].filter((filter) => filterTakes(filter, packet.topic!))
    return to.map((topic) => ({ topic, data: message }))
  }
  const isRetained = (data: WireData) => ((packetOf(data, PACKET.publish)?.flags ?? 0) & 1) === 1

  return {
    name: 'mqtt',
    subprotocols: ['mqtt'],
    leastOverlap: settings.leastOverlap,
    hello(ask) {
      hello = ask
      leg = ask.leg
      session = sessions(ask.session)
      const begun = session.begin(leg)
      resumes = begun.resumes && settings.sessionExpiry > 0
      return writeConnect({
        ...settings,
        clientId: settings.clientId(begun.slot, ask.session),
        clean: !resumes,
        credentials: settings.credentials(ask.token),
      })
    },
    split: (data) => split(data).map(keyOf),
    reply,
    waiting: () => (connack ? [...waiting].flatMap((id) => subscribes.get(id) ?? []) : null),
    begins(data) {
      if (isRetained(data)) return messagesIn(data)
      const packet = packetOf(data, PACKET.connack)
      if (packet !== connack || !connack || !resumes || connack.present) return null
      return [...hello.topics.keys()].map((topic) => ({ topic, data: undefined, head: true }))
    },
    ready(data) {
      const packet = packetOf(data, PACKET.suback)
      if (packet) waiting.delete(packet.id!)
      if (!connack || waiting.size > 0) return false
      const seconds = connack.properties.get(PROPERTY.serverKeepAlive)?.[0] as number | undefined
      return { heartbeat: seconds ? seconds * 1_000 : settings.keepAlive }
    },
    refused(data) {
      if (packetOf(data, PACKET.connack))
        return wrong.splice(0).map((topic): RawRefusal => ({ topic, reason: 'no topic filter' }))
      const packet = packetOf(data, PACKET.suback)
      const topic = packet && subscribes.get(packet.id!)
      if (packet) subscribes.delete(packet.id!)
      const [code = 0] = packet?.codes ?? []
      if (topic === undefined || code < 0x80) return null
      if (topic === notice) {
        deaf = explain`the broker refuses ${topic}, the topic of requests to hand over: ${reasonOf(code)}`
        return null
      }
      filters.delete(topic)
      return { topic, reason: reasonOf(code, packet!.properties.get(PROPERTY.reason)?.[0]) }
    },
    unauthorized(data) {
      const refusal = refusalIn(frameOf(data))
      return refusal && isUnauthorized(refusal.code) && refusal.reason
    },
    ended(data) {
      const refusal = refusalIn(packetOf(data, PACKET.disconnect))
      return refusal?.code === TAKEN_OVER ? refusal.reason : null
    },
    invalid(data) {
      if (deaf !== null && packetOf(data, PACKET.suback)) return deaf
      const refusal = refusalIn(frameOf(data))
      return refusal && explain`the broker closes the connection: ${refusal.reason}`
    },
    handover(data) {
      const packet = packetOf(data, PACKET.publish)
      if (!packet || packet.topic !== notice || isRetained(data)) return false
      return handoverIn(objectIn(new TextDecoder().decode(packet.payload)) ?? {})
    },
    ping: () => ping('heartbeat'),
    pong: () => ponged === 'heartbeat',
    leave() {
      const { ids, packets } = unsubscribe([...filters, ...(notice === null ? [] : [notice])])
      leaving.begin(ids)
      return packets
    },
    drained: () => ponged === 'leave' && drained,
    goodbye: () => writeDisconnect(five, session.hasOther(leg)),
    message: messagesIn,
    identity: ({ data }) => settings.identity(data as MqttMessage),
    subscribe(topics) {
      const not = [...topics.keys()].find((topic) => !isFilter(topic))
      if (not !== undefined) throw new TypeError(explain`a topic to subscribe to must be a topic filter`)
      return [...topics.keys()].map(subscribe)
    },
    unsubscribe: (topics) => unsubscribe(topics.filter((topic) => filters.delete(topic))).packets,
    publish({ topic, data, id }) {
      if (!isTopicName(topic)) throw new TypeError(explain`a topic to publish to must have no wildcards`)
      const qos = settings.qos(topic)
      const parts: Part[] = [topic]
      if (qos === 1) {
        publishes.set(String(nextId()), id)
        parts.push([2, lastId])
      }
      if (five) parts.push(...writeProperties([[PROPERTY.user, ['message-id', id]]]))
      parts.push(payloadOf(data))
      return writePacket(PACKET.publish, qos * 2 + (settings.retain(topic) ? 1 : 0), parts)
    },
    unanswered: ({ topic }) => settings.qos(topic) === 0,
    answer(data) {
      const packet = packetOf(data, PACKET.puback)
      const id = packet && publishes.get(String(packet.id))
      if (id === undefined) return null
      publishes.delete(String(packet!.id))
      const code = packet!.codes[0]!
      if (code < 0x80) return { id }
      const refused = reasonOf(code, packet!.properties.get(PROPERTY.reason)?.[0])
      return { id, refused, code: isUnauthorized(code) ? 'forbidden' : 'refused' }
    },
    lost() {
      session?.gone(leg)
      return []
    },
  }
}

function refusalIn(packet: MqttPacket | undefined): { code: number; reason: string } | null {
  const isRefusal =
    packet && (packet.type === PACKET.connack || packet.type === PACKET.disconnect) && packet.codes[0] !== 0
  return isRefusal
    ? { code: packet.codes[0]!, reason: reasonOf(packet.codes[0]!, packet.properties.get(PROPERTY.reason)?.[0]) }
    : null
}

function messageOf({ topic, payload, flags, properties }: MqttPacket, binary: boolean): MqttMessage {
  const first = (property: number) => properties.get(property)?.[0]
  return {
    topic: topic!,
    payload: binary ? payload.slice().buffer : new TextDecoder().decode(payload),
    qos: flags & 2 ? 1 : 0,
    retained: (flags & 1) === 1,
    user: new Map(properties.get(PROPERTY.user) as readonly (readonly [string, string])[] | undefined),
    contentType: first(PROPERTY.contentType) as string | undefined,
    responseTopic: first(PROPERTY.responseTopic) as string | undefined,
    correlationData: first(PROPERTY.correlationData) as ArrayBuffer | undefined,
  }
}

function payloadOf(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new TextEncoder().encode(typeof data === 'string' ? data : JSON.stringify(data))
}
