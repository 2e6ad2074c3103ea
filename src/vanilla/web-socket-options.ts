import type { LiveSocketOptions } from '../options/options.js'
import type { Protocol } from '../protocol/protocol.js'
import type { Words } from './greeting.js'

/** A URL, or a function that returns one for each dial. */
export type UrlProvider = string | URL | (() => string | Promise<string>)

/** The third argument of `LiveWebSocket`: the options of reconnecting-websocket that apply here, and ours. */
export interface LiveWebSocketOptions extends Omit<LiveSocketOptions, 'url' | 'schemas' | 'protocol'> {
  /**
   * The protocol of the server: a preset, `livesocketV1()` with a `topic`, or a result of `rawProtocol`. Default: every
   * message is passed on as it arrives.
   */
  protocol?: Protocol
  /**
   * How the server asks to hand over, and what identifies its messages; used instead of `protocol`. `hello` greets a
   * new server in a handover that the application does not see; `() => null` if there is nothing to send. Without
   * `hello`, what the application sent between `open` and the first answer is sent again. If it has sent more, it sees
   * the handover as a `close` event and greets the new server itself.
   */
  words?: Words
  /** The topic that this socket represents, if the protocol has topics. */
  topic?: string
  /**
   * One connection as the application sees it: after its `close` event it stays closed, and `send` needs an open one.
   * Default false.
   */
  once?: boolean
  // The options from here on are those of reconnecting-websocket.
  /** The class of the sockets underneath. Default: the global one as it was when this module was loaded. */
  WebSocket?: unknown
  /**
   * Milliseconds: the window from which the delay of a reconnection is drawn. It grows with failures. Default 5,000.
   */
  minReconnectionDelay?: number
  /** Milliseconds: how wide failures can make that window. Default 10,000. */
  maxReconnectionDelay?: number
  /** Accepted without effect: the window doubles with each failure. */
  reconnectionDelayGrowFactor?: number
  /** Milliseconds after which a connection counts as stable and `retryCount` starts over. Default 5,000. */
  minUptime?: number
  /** Milliseconds until a dial counts as failed. Default 4,000. */
  connectionTimeout?: number
  /** How many retries may fail, since the last stable connection, before the socket closes. Default Infinity. */
  maxRetries?: number
  /** How many messages may wait to be sent. Beyond that `send` causes an `error` event. Default 1,000. */
  maxEnqueuedMessages?: number
  /** Starts CLOSED; `reconnect()` connects. Default false. */
  startClosed?: boolean
  /** Logs every event of the socket to the console. Default false. */
  debug?: boolean
}
