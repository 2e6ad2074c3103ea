import { systemClock, type Clock } from '../base/clock.js'
import { SUBPROTOCOL } from '../protocol/frames.js'

/** A frame as it came. */
export type ReceivedFrame = { readonly type: string } & Readonly<Record<string, unknown>>

/** The part of a WebSocket that is used, which `ws` and browsers have in common. */
export interface FrameSocket {
  readonly protocol: string
  send(text: string): void
  close(code?: number): void
  addEventListener(type: string, listener: (event: { data?: unknown; code?: number; reason?: string }) => void): void
}

export type FrameSocketClass = new (url: string, protocols?: string[]) => FrameSocket

/** Something happened that a rule forbids, or something did not happen that it demands. */
export class RuleBroken extends Error {}
/** The rule cannot be tried with what was given. */
export class Untried extends Error {}

export interface FrameClient {
  readonly protocol: string
  readonly frames: readonly ReceivedFrame[]
  send(frame: object | string): void
  /**
   * The next frame of that type, or of one of those types, that `where` accepts and no other call has taken. Fails if
   * none comes in time.
   */
  next(
    type: string | readonly string[],
    where?: (frame: ReceivedFrame) => boolean,
    within?: number,
  ): Promise<ReceivedFrame>
  of(type: string): ReceivedFrame[]
  /** When the frame came, in monotonic milliseconds. */
  at(frame: ReceivedFrame): number
  /** Fails if the connection is not closed in time. */
  closed(within?: number): Promise<{ code: number; reason: string }>
  readonly isClosed: boolean
  close(code?: number): void
}

export interface WireDeps {
  readonly WebSocket: FrameSocketClass
  readonly clock?: Clock
  /** Milliseconds that any answer may take. */
  readonly patience: number
}

/** Opens one connection, on which livesocket.v1 is spoken frame by frame. Fails if it cannot be opened. */
export async function openFrameClient(
  url: string,
  { WebSocket: Class, clock = systemClock, patience }: WireDeps,
  subprotocols: string[] = [SUBPROTOCOL],
): Promise<FrameClient> {
  const socket = subprotocols.length > 0 ? new Class(url, subprotocols) : new Class(url)
  const client = frameClient(socket, { clock, patience })
  await client.opened.catch((thrown: unknown) => {
    socket.close()
    throw thrown
  })
  return client
}

/** The same for an existing connection. */
export function frameClient(
  socket: FrameSocket,
  { clock = systemClock, patience }: Omit<WireDeps, 'WebSocket'>,
): FrameClient & { readonly opened: Promise<void> } {
  const frames: ReceivedFrame[] = []
  const times = new Map<ReceivedFrame, number>()
  const untaken = new Set<ReceivedFrame>()
  /** Each is called with a frame that came, or without one when something else has changed. */
  const waiting = new Set<(frame?: ReceivedFrame) => void>()
  let over: { code: number; reason: string } | null = null
  let open = false
  const tell = (frame?: ReceivedFrame) => {
    for (const look of [...waiting]) look(frame)
  }
  socket.addEventListener('open', () => {
    open = true
    tell()
  })
  socket.addEventListener('error', () => undefined)
  socket.addEventListener('message', ({ data }) => {
    const frame = frameIn(data)
    frames.push(frame)
    untaken.add(frame)
    times.set(frame, clock.monotonic())
    tell(frame)
  })
  socket.addEventListener('close', ({ code = 1006, reason = '' }) => {
    over = { code, reason: String(reason) }
    tell()
  })

  function until<Found>(
    look: (frame?: ReceivedFrame) => Found | undefined,
    what: () => string,
    within = patience,
  ): Promise<Found> {
    return new Promise((resolve, reject) => {
      const end = () => {
        waiting.delete(check)
        cancel()
      }
      const check = (frame?: ReceivedFrame) => {
        const found = look(frame)
        if (found !== undefined) {
          end()
          resolve(found)
        } else if (over) {
          end()
          reject(new RuleBroken(`${what()}: the connection was closed with ${over.code} ${over.reason}`.trim()))
        }
      }
      const cancel = clock.setTimeout(() => {
        end()
        reject(new RuleBroken(`${what()}: not within ${within} ms`))
      }, within)
      waiting.add(check)
      check()
    })
  }

  return {
    get opened() {
      return until(
        () => open || undefined,
        () => 'the connection should open',
        5 * patience,
      ).then(() => undefined)
    },
    get protocol() {
      return socket.protocol
    },
    frames,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    next(type, where = () => true, within) {
      const types = typeof type === 'string' ? [type] : type
      const wanted = (frame: ReceivedFrame) => types.includes(frame.type) && where(frame)
      // If two callers wait for the same type, each gets a frame of its own: a frame is taken before the next caller
      // looks.
      const take = (came?: ReceivedFrame) => {
        const frame = came ? (untaken.has(came) && wanted(came) ? came : undefined) : [...untaken].find(wanted)
        if (frame) untaken.delete(frame)
        return frame
      }
      return until(take, () => `${types.map(withArticle).join(' or ')} should come`, within)
    },
    at: (frame) => times.get(frame)!,
    of: (type) => frames.filter((frame) => frame.type === type),
    closed: (within) =>
      until(
        () => over ?? undefined,
        () => 'the connection should be closed',
        within,
      ),
    get isClosed() {
      return over !== null
    },
    close: (code = 1000) => socket.close(code),
  }
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}

/** What came, as a frame. A server may send anything at all. */
function frameIn(data: unknown): ReceivedFrame {
  try {
    const value: unknown = typeof data === 'string' ? JSON.parse(data) : null
    if (typeof value === 'object' && value !== null && typeof (value as ReceivedFrame).type === 'string')
      return value as ReceivedFrame
  } catch {
    // It is not even JSON.
  }
  return { type: 'no frame', text: String(data) }
}
