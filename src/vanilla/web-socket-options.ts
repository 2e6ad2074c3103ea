import type { LiveSocketOptions } from '../options/options.js'
import type { Protocol } from '../protocol/protocol.js'
import type { Words } from './greeting.js'

/** A URL, or a function that gives one at each dial. */
export type UrlProvider = string | URL | (() => string | Promise<string>)

/** What `LiveWebSocket` takes as its third argument: those of reconnecting-websocket that make sense here, and ours. */
export interface LiveWebSocketOptions extends Omit<LiveSocketOptions, 'url' | 'schemas' | 'protocol'> {
  /**
   * How the server is spoken to: a preset, `livesocketV1()` with a `topic`, or what `rawProtocol` makes. Default: every
   * message as it comes.
   */
  protocol?: Protocol
  /**
   * The words by which a server asks to hand over, and what tells its messages apart. Instead of `protocol`. `hello` is
   * how a new server is greeted in a handover that the application does not see, `() => null` where there is nothing to
   * say. Without it, what the application sent from `open` until the first answer is sent again; where it has sent
   * more, it sees the handover as a `close`, and greets by itself.
   */
  words?: Words
  /** The topic that is this socket, where the protocol has topics. */
  topic?: string
  /**
   * One connection as the application sees it: after its `close` event it stays closed, and `send` needs an open one.
   * Default false.
   */
  once?: boolean
  // What follows is reconnecting-websocket's.
  /** The class of the sockets underneath. Default: the global one as it was when this module was loaded. */
  WebSocket?: unknown
  /**
   * Milliseconds. The width over which a reconnection is drawn, and how wide failures make it. Default 5,000 and
   * 10,000.
   */
  minReconnectionDelay?: number
  /** As in reconnecting-websocket: the longest wait between two dials, ms. */
  maxReconnectionDelay?: number
  /** Accepted and without effect: the width doubles with each failure. */
  reconnectionDelayGrowFactor?: number
  /** Milliseconds after which a connection counts as stable, and `retryCount` starts over. Default 5,000. */
  minUptime?: number
  /** Milliseconds. Default 4,000. */
  connectionTimeout?: number
  /** Default Infinity. */
  maxRetries?: number
  /** Default 1,000; at the bound `send` tells by an `error` event. */
  maxEnqueuedMessages?: number
  /** Starts CLOSED; `reconnect()` connects. */
  startClosed?: boolean
  debug?: boolean
}
