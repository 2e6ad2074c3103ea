import type { LiveSocketOptions } from '../options/options.js'
import type { PhysicalSockets } from './physical-sockets.js'
import type { LiveWebSocketOptions } from './web-socket-options.js'

/**
 * The options of the live socket underneath, which dials with `sockets`. Options that reconnecting-websocket has under
 * other names are translated.
 */
export function liveOptions(sockets: PhysicalSockets, options: LiveWebSocketOptions): Omit<LiveSocketOptions, 'url'> {
  const {
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
  } = options
  const most = maxEnqueuedMessages === Infinity ? Number.MAX_SAFE_INTEGER : maxEnqueuedMessages
  return {
    ...rest,
    reconnect: { spread: minReconnectionDelay ?? 5_000, cap: maxReconnectionDelay ?? 10_000, ...rest.reconnect },
    connectTimeout: connectionTimeout ?? rest.connectTimeout ?? 4_000,
    outbox: { ...(most === undefined ? null : { maxMessages: most }), ...rest.outbox },
    // reconnecting-websocket reconnects after every close but its own; a socket that lives `once` never does.
    onClose: rest.onClose ?? (() => (once ? 'stop' : 'retry')),
    environment: { ...rest.environment, WebSocket: sockets.classOf(rest.environment?.WebSocket ?? WebSocket) },
  }
}
