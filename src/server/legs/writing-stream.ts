import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { payloadOf } from '../topics/encoded.js'

/** Where whole frames are written, and where the number of their bytes that wait in this process is known. */
export type WritingStream = Pick<Duplex, 'write' | 'writableLength' | 'cork' | 'uncork' | 'writableCorked'>

/**
 * The connection itself, if the WebSocket layer writes to it as well: then its pings and its close frame keep their
 * place among our frames.
 *
 * Bun replaces `ws` by a layer of its own, which has its own buffer behind the stream. Once the system takes no more, a
 * ping of that layer would land in the middle of one of our frames, and the client would close with 1007. On Bun every
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
    // That layer gathers writes on its own.
    writableCorked: 1,
    cork() {},
    uncork() {},
  }
}
