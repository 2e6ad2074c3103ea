/** A message of an MQTT topic. */
export interface MqttMessage {
  readonly topic: string
  /** Text decoded from UTF-8, or an ArrayBuffer with `binary`. */
  readonly payload: string | ArrayBuffer
  readonly qos: 0 | 1
  /** Whether it is the retained message of its topic, which the broker kept, and not a new one. */
  readonly retained: boolean
  /** User properties of MQTT 5. If several have the same name, the last one. */
  readonly user: ReadonlyMap<string, string>
  readonly contentType: string | undefined
  readonly responseTopic: string | undefined
  readonly correlationData: ArrayBuffer | undefined
}

/** What the broker publishes when the session ends without a DISCONNECT. */
export interface MqttWill {
  readonly topic: string
  readonly payload: string
  /** The quality of service of the will. Default 0. */
  readonly qos?: 0 | 1
  readonly retain?: boolean
  /** Milliseconds that an MQTT 5 broker waits for the client to come back before it publishes the will. Default 0. */
  readonly delay?: number
}

/** Options of `mqtt()`. */
export interface MqttOptions {
  /**
   * The version of MQTT. Default 5. With 3.1.1 the broker keeps no session here, so what is lost in a break stays lost.
   */
  version?: '5' | '3.1.1'
  /** The quality of service of subscriptions and publishes, for all topics or by topic. Default 1. */
  qos?: 0 | 1 | ((topic: string) => 0 | 1)
  /** Whether a publish to this topic is retained by the broker. Default: none is. */
  retain?: (topic: string) => boolean
  /**
   * What makes a message the same on another connection. Default: the user property `message-id`, which publishes of
   * this client have in MQTT 5. Nothing is promised in a handover about messages without an identity.
   */
  identity?: (message: MqttMessage) => string | null
  /**
   * The two client identifiers that a client uses at its broker. Each handover switches to the other one. Default: the
   * session's id with `-0` or `-1`.
   */
  clientId?: (slot: 0 | 1, session: string) => string
  /**
   * User name and password, made from the token of `getToken`. Default: `livesocket` and the token; without a token
   * none.
   */
  credentials?: (token: string | undefined) => { readonly username?: string; readonly password?: string }
  /** What the broker publishes when this client disappears. A handover and a `close()` publish nothing. */
  will?: MqttWill
  /**
   * Milliseconds that an MQTT 5 broker keeps messages for a client that lost its connection, from 0 on. Default
   * 120,000, the same as `reconnect.cap`. With 0 nothing is kept.
   */
  sessionExpiry?: number
  /**
   * The keep-alive that the broker is told, in milliseconds, 1,000 to 300,000: it closes a connection that is silent
   * for one and a half times as long. Default 120,000, since timers of a hidden tab run once a minute.
   */
  keepAlive?: number
  /**
   * The topic on which clients are asked to hand over before the broker stops. A JSON payload may have `url`,
   * `deadline` and `spread`. Retained messages are ignored. Default `livesocket/handover`; null: no such topic.
   */
  handover?: string | null
  /**
   * The shortest time, in milliseconds, that both connections live in a handover. It must exceed the time that a
   * message takes from one broker to the other. Default 1,000.
   */
  leastOverlap?: number
  /** Payloads as ArrayBuffer. Default false: as text. */
  binary?: boolean
}
