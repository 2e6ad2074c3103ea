import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { payloadOf } from '../topics/encoded.js'

/** Where whole frames are written, and what tells how many bytes of them wait in this process. */
export type WritingStream = Pick<Duplex, 'write' | 'writableLength' | 'cork' | 'uncork' | 'writableCorked'>

/**
 * The connection itself where the WebSocket layer writes there too: then its pings and its close keep their place among
 * our frames.
 *
 * Bun answers for `ws` with a layer of its own, with a buffer of its own behind the stream: once the system takes no
 * more, a ping of that layer would get into the middle of a frame of ours, and the client closes with 1007. There every
 * frame goes through the layer.
 */
export function writingStream(ws: WebSocket, stream: Duplex): WritingStream {
  if ((ws as { _sender?: object | null })._sender) return stream
  return {
    write(frame: Buffer) {
      ws.send(payloadOf(frame), { binary: false })
      return true
    },
    get writableLength() {
      return ws.bufferedAmount
    },
    // That layer gathers what it writes by itself.
    writableCorked: 1,
    cork() {},
    uncork() {},
  }
}
