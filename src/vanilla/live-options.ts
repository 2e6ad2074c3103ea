import type { LiveSocketOptions } from '../options/options.js'
import type { LiveWebSocketOptions } from './web-socket-options.js'

/** The options of the live socket underneath: what reconnecting-websocket has other words for, in ours. */
export function liveOptions({
  protocol: _p,
  words: _w,
  topic: _t,
  once,
  WebSocket,
  minReconnectionDelay,
  maxReconnectionDelay,
  reconnectionDelayGrowFactor: _g,
  minUptime: _u,
  connectionTimeout,
  maxRetries: _r,
  maxEnqueuedMessages,
  startClosed: _s,
  debug: _d,
  ...rest
}: LiveWebSocketOptions): Omit<LiveSocketOptions, 'url'> {
  const most = maxEnqueuedMessages === Infinity ? Number.MAX_SAFE_INTEGER : maxEnqueuedMessages
  return {
    ...rest,
    reconnect: { spread: minReconnectionDelay ?? 5_000, cap: maxReconnectionDelay ?? 10_000, ...rest.reconnect },
    connectTimeout: connectionTimeout ?? rest.connectTimeout ?? 4_000,
    outbox: { ...(most === undefined ? null : { maxMessages: most }), ...rest.outbox },
    // reconnecting-websocket comes back after any close but its own; a socket that lives once never does.
    onClose: rest.onClose ?? (() => (once ? 'stop' : 'retry')),
    environment: { ...rest.environment, WebSocket: rest.environment?.WebSocket ?? WebSocket },
  }
}
