import { PACKET, PROPERTY, writePacket, writeProperties, type Part } from './mqtt-packets.js'
import type { MqttWill } from './mqtt-options.js'

export interface MqttConnectAsk {
  readonly five: boolean
  readonly clientId: string
  readonly clean: boolean
  /** Milliseconds. */
  readonly keepAlive: number
  readonly sessionExpiry: number
  readonly will: MqttWill | undefined
  readonly credentials: { readonly username?: string; readonly password?: string }
}

/** The first packet of a connection. */
export function writeConnect(ask: MqttConnectAsk): ArrayBuffer {
  const { five, clientId, clean, keepAlive, sessionExpiry, will, credentials } = ask
  const { username, password } = credentials
  const flags =
    (username === undefined ? 0 : 128) +
    (password === undefined ? 0 : 64) +
    (will ? 4 + (will.qos ?? 0) * 8 + (will.retain ? 32 : 0) : 0) +
    (clean ? 2 : 0)
  const parts: Part[] = ['MQTT', [1, five ? 5 : 4], [1, flags], [2, seconds(keepAlive)]]
  if (five) parts.push(...writeProperties([[PROPERTY.sessionExpiry, seconds(sessionExpiry)]]))
  parts.push(clientId)
  if (will) {
    if (five) parts.push(...writeProperties([[PROPERTY.willDelay, seconds(will.delay ?? 0)]]))
    parts.push(will.topic, { sized: new TextEncoder().encode(will.payload) })
  }
  if (username !== undefined) parts.push(username)
  if (password !== undefined) parts.push(password)
  return writePacket(PACKET.connect, 0, parts)
}

/** The last packet of a connection. Without it the broker publishes the will. */
export function writeDisconnect(five: boolean, forgetSession: boolean): ArrayBuffer {
  const parts: Part[] = five && forgetSession ? [[1, 0], ...writeProperties([[PROPERTY.sessionExpiry, 0]])] : []
  return writePacket(PACKET.disconnect, 0, parts)
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000)
}
