import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr'
import { ignore, type Peer } from './peer.js'

/** The terminator of every message in the JSON protocol. */
const END = '\u001e'

interface Invocation {
  readonly type?: number
  readonly invocationId?: string
}

export const peer: Peer = {
  answers(text) {
    return text
      .split(END)
      .filter(Boolean)
      .map((part) => JSON.parse(part) as Invocation)
      .flatMap(({ type, invocationId }) => {
        if (type === undefined) return [`{}${END}`]
        return invocationId === undefined ? [] : [`${JSON.stringify({ type: 3, invocationId, result: null })}${END}`]
      })
  },
  wire: (_n, data) => `${JSON.stringify({ type: 1, target: 'tick', arguments: [data] })}${END}`,
  json: (wire) => wire.slice(0, -1),
  connect({ url, WebSocket, onMessage }) {
    const hub = new HubConnectionBuilder()
      // The library accepts the class, but its types omit the option.
      .withUrl(url.replace(/^ws/, 'http'), {
        transport: HttpTransportType.WebSockets,
        skipNegotiation: true,
        WebSocket,
      } as object)
      .configureLogging(LogLevel.None)
      .withAutomaticReconnect()
      .build()
    hub.serverTimeoutInMilliseconds = 600_000
    hub.on('tick', onMessage)
    return {
      ready: hub.start(),
      publish: (data) => hub.invoke('order', data),
      close: () => void hub.stop().catch(ignore),
    }
  },
}
