import { explain } from '../base/explanation.js'
import { perSession } from '../foreign/raw-session.js'
import { rawProtocol } from '../foreign/raw.js'
import { LiveSocketError } from '../base/errors.js'
import type { Protocol } from '../protocol/protocol.js'
import { openMqttLeg, type MqttSettings } from './mqtt-leg.js'
import type { MqttOptions } from './mqtt-options.js'
import { mqttSessions } from './mqtt-sessions.js'

/**
 * The WebSocket listener of an MQTT broker, in MQTT 5 or 3.1.1, with QoS 0 and 1. A topic is a topic filter (`a/+/c`,
 * `a/#`), and a message's data is an `MqttMessage`. Retained messages come at the beginning of a topic. A publish goes
 * to a topic name with its data as the payload (text and binary as they are, anything else as JSON), once. With QoS 1
 * the broker answers it; if it does not within `outbox.ackTimeout`, or before the leg is gone, the publish is
 * `outcome-unknown`.
 *
 * A client has two client identifiers at its broker. A handover switches from one to the other, so that both
 * connections are served at the same time. After a break the client returns under the identifier that it had, and an
 * MQTT 5 broker sends what it has kept; a `gap` says that it has kept nothing. A leg that is being left is
 * unsubscribed, receives its last message and then disconnects properly, so no will is published. Tested against
 * `mosquitto`, `aedes`, and the codec of `mqtt-packet`.
 *
 * Throws a `LiveSocketError` `invalid` for a keep-alive or an expiry that MQTT cannot express, a `qos` other than 0 or
 * 1, and an unknown `version`.
 */
export function mqtt(options: MqttOptions = {}): Protocol {
  const settings = settingsOf(options)
  const sessions = perSession(mqttSessions)
  return rawProtocol(() => openMqttLeg(settings, sessions))
}

function settingsOf(options: MqttOptions): MqttSettings {
  const { version = '5', qos = 1, keepAlive = 120_000, sessionExpiry = 120_000, handover } = options
  const five = version === '5'
  if (!five && version !== '3.1.1') throw new LiveSocketError('invalid', explain`mqtt: version must be "5" or "3.1.1".`)
  if (!(keepAlive >= 1_000 && keepAlive <= 300_000))
    throw new LiveSocketError('invalid', explain`mqtt: keepAlive must be milliseconds, 1,000 to 300,000.`)
  if (!(sessionExpiry >= 0 && sessionExpiry <= 4_294_967_295_000))
    throw new LiveSocketError('invalid', explain`mqtt: sessionExpiry must be milliseconds, 0 or more.`)
  const { will } = options
  if ((typeof qos !== 'function' && !isQos(qos)) || !isQos(will?.qos ?? 0))
    throw new LiveSocketError('invalid', explain`mqtt: qos must be 0 or 1.`)
  if (!((will?.delay ?? 0) >= 0 && (will?.delay ?? 0) <= 4_294_967_295_000))
    throw new LiveSocketError('invalid', explain`mqtt: the delay of a will must be milliseconds, 0 or more.`)
  return {
    five,
    qos: (topic) => {
      const asked: unknown = typeof qos === 'function' ? qos(topic) : qos
      if (isQos(asked)) return asked
      throw new TypeError(explain`qos must be 0 or 1`)
    },
    retain: options.retain ?? (() => false),
    identity: options.identity ?? (({ user }) => user.get('message-id') ?? null),
    clientId: options.clientId ?? ((slot, session) => `${session}-${slot}`),
    credentials:
      options.credentials ?? ((token) => (token === undefined ? {} : { username: 'livesocket', password: token })),
    will,
    sessionExpiry: five ? sessionExpiry : 0,
    keepAlive,
    notice: handover === undefined ? 'livesocket/handover' : handover,
    leastOverlap: options.leastOverlap ?? 1_000,
    binary: options.binary ?? false,
  }
}

function isQos(given: unknown): given is 0 | 1 {
  return given === 0 || given === 1
}
