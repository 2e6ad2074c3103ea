import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'

/** One connection of a breakable WebSocket class. */
export interface Connection {
  readonly state: 'dialling' | 'open' | 'over'
  /** Ends it for the page as a network failure would: at once, with 1006. The server receives a close. */
  break(): void
  /** Lets nothing pass in either direction, without notifying anybody. */
  freeze(): void
  /** Delivers what was held back. */
  thaw(): void
}

/** A frame on the wire, or the opening or end of a connection. */
export interface WireEvent {
  readonly type: 'open' | 'message' | 'outgoing' | 'close'
  readonly connection: Connection
  /** The data of a frame that arrived or was sent. */
  readonly data?: unknown
}

/** A WebSocket class whose connections can be observed and broken. */
export interface BreakableWebSocket {
  new (url: string | URL, protocols?: string | string[]): WebSocket
  /** Connections that have not ended, the oldest first. */
  readonly connections: readonly Connection[]
  /** Calls `listener` before the application receives the event. Returns a function that removes it. */
  listen(listener: (event: WireEvent) => void): () => void
}

/**
 * A WebSocket class for `createLiveSocket({ environment: { WebSocket: breakable() } })`. With it the devtools can break
 * connections, and show which leg brought which message. For development only: every frame passes one more listener.
 *
 * @param Class the class to dial with. Default: the global WebSocket, looked up at the first dial.
 */
export function breakable(Class?: unknown): BreakableWebSocket {
  const connections: Connection[] = []
  const listeners = new Set<(event: WireEvent) => void>()
  const tell = (type: WireEvent['type'], connection: Connection, data?: unknown) => {
    for (const listener of [...listeners]) {
      try {
        listener({ type, connection, data })
      } catch (thrown) {
        // An observer that throws stops neither the frame nor other observers.
        tellUncaught(thrown)
      }
    }
  }

  function dial(url: string | URL, protocols?: string | string[]): WebSocket {
    const Base = (Class ?? globalThis.WebSocket) as typeof WebSocket | undefined
    if (typeof Base !== 'function')
      throw new LiveSocketError('invalid', 'breakable(WebSocket): there is no WebSocket here; give it a class.')
    const socket = protocols === undefined ? new Base(url) : new Base(url, protocols)
    const send = socket.send.bind(socket)
    const close = socket.close.bind(socket)
    let state: Connection['state'] = 'dialling'
    let broken = false
    let frozen = false
    let ours = false
    const waiting: (() => void)[] = []

    const pass = (event: Event) => {
      ours = true
      try {
        socket.dispatchEvent(event)
      } finally {
        ours = false
      }
    }
    const over = () => {
      if (state === 'over') return
      state = 'over'
      waiting.length = 0
      connections.splice(connections.indexOf(connection), 1)
      tell('close', connection)
    }
    const connection: Connection = {
      get state() {
        return state
      },
      break() {
        if (state === 'over') return
        broken = true
        over()
        pass(new Event('error'))
        pass(Object.assign(new Event('close'), { code: 1006, reason: '', wasClean: false }))
        close()
      },
      freeze: () => void (frozen = true),
      thaw() {
        frozen = false
        for (const go of waiting.splice(0)) go()
      },
    }
    connections.push(connection)

    // These are the socket's first listeners: an event that they stop reaches nobody.
    const guard = (event: Event) => {
      if (ours) return
      if (broken) return event.stopImmediatePropagation()
      if (frozen) {
        event.stopImmediatePropagation()
        const again =
          event.type === 'message'
            ? new MessageEvent('message', { data: (event as MessageEvent).data as unknown })
            : event.type === 'close'
              ? Object.assign(new Event('close'), {
                  code: (event as CloseEvent).code,
                  reason: (event as CloseEvent).reason,
                  wasClean: (event as CloseEvent).wasClean,
                })
              : new Event(event.type)
        waiting.push(() => {
          note(again)
          pass(again)
        })
        return
      }
      note(event)
    }
    const note = (event: Event) => {
      const { type } = event
      if (type === 'open') state = 'open'
      if (type === 'close') over()
      else if (type !== 'error') tell(type as 'open' | 'message', connection, (event as MessageEvent).data)
    }
    for (const type of ['open', 'message', 'error', 'close']) socket.addEventListener(type, guard)
    socket.send = (data) => {
      tell('outgoing', connection, data)
      if (frozen && !broken) waiting.push(() => socket.readyState === 1 && send(data))
      else send(data)
    }
    socket.close = (code, reason) => {
      // Closing a frozen connection ends it for the page only after the closing timeout; the list does not wait for
      // that.
      over()
      close(code, reason)
    }
    return socket
  }

  return Object.assign(dial as unknown as new (url: string | URL) => WebSocket, {
    CONNECTING: 0,
    OPEN: 1,
    CLOSING: 2,
    CLOSED: 3,
    connections,
    listen(listener: (event: WireEvent) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
}
