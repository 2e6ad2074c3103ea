/** A message of an MQTT topic. */
export interface MqttMessage {
  readonly topic: string
  /** Text in UTF-8, unless `binary`. */
  readonly payload: string | ArrayBuffer
  readonly qos: 0 | 1
  /** It is what the broker keeps of the topic, not news. */
  readonly retained: boolean
  /** User properties of MQTT 5; of several with one name the last. */
  readonly user: ReadonlyMap<string, string>
  readonly contentType: string | undefined
  readonly responseTopic: string | undefined
  readonly correlationData: ArrayBuffer | undefined
}

/** What the broker publishes when the session ends without a word. */
export interface MqttWill {
  readonly topic: string
  readonly payload: string
  /** Default 0. */
  readonly qos?: 0 | 1
  readonly retain?: boolean
  /** Milliseconds that the broker waits for the client to come back, in MQTT 5. Default 0. */
  readonly delay?: number
}

/** How an MQTT broker is spoken to. */
export interface MqttOptions {
  /** Default 5. A 3.1.1 broker keeps no session here: what a break loses is lost. */
  version?: '5' | '3.1.1'
  /** The quality of service of subscriptions and publishes, of all or by topic. Default 1. */
  qos?: 0 | 1 | ((topic: string) => 0 | 1)
  /** What is published for the broker to keep. Default: nothing. */
  retain?: (topic: string) => boolean
  /**
   * What makes a message the same on another connection. Default: the user property `message-id`, which what is
   * published here bears in MQTT 5; nothing is promised in a handover about messages without.
   */
  identity?: (message: MqttMessage) => string | null
  /**
   * The two names that a client has at its broker, of which each handover takes the other one. Default: the session's
   * id, `-0` and `-1`.
   */
  clientId?: (slot: 0 | 1, session: string) => string
  /** User name and password, from the token of `getToken`. Default: `livesocket`, and the token. */
  credentials?: (token: string | undefined) => { readonly username?: string; readonly password?: string }
  /**
   * What the broker publishes when this client is gone without a word. A handover and a `close()` are no such thing.
   */
  will?: MqttWill
  /**
   * Milliseconds for which an MQTT 5 broker keeps what comes for a client that lost its connection. Default 120,000,
   * which is `reconnect.cap`; 0: nothing is kept.
   */
  sessionExpiry?: number
  /**
   * Milliseconds of silence that the broker is told to allow, and half as much again; at most 300,000. Default 120,000:
   * the timers of a hidden tab run once a minute.
   */
  keepAlive?: number
  /**
   * The topic on which whoever is about to stop the broker asks its clients to hand over; a payload of JSON may bear
   * `url`, `deadline` and `spread`. Retained ones are not heard. Default `livesocket/handover`; null: none.
   */
  handover?: string | null
  /**
   * Milliseconds for which both connections live at least in a handover: longer than a message takes from one broker to
   * the other. Default 1,000.
   */
  leastOverlap?: number
  /** Payloads as ArrayBuffer. Default false: as text. */
  binary?: boolean
}
