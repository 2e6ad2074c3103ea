import { MOST_WAITING } from '../limits.js'

/**
 * What was sent to one leg and has not been read by it: what waits in this process, in bytes and in pieces, and what
 * the system and the network hold. Of the latter nothing tells a process, so the stream is marked with pings: whoever
 * answers one has read what is before it.
 */
export interface Unread {
  /**
   * A frame of so many bytes goes out now. True: a mark must follow, and `flushed` be called when that has left the
   * process.
   */
  add(bytes: number): boolean
  /** The text of the next mark. */
  mark(): string
  flushed(now: number): void
  /** A mark has come back. */
  answered(mark: string, now: number): void
  /**
   * Whether no more is on its way, here and beyond, than may. A leg that never answered a ping has only the system's
   * word for it.
   */
  room(): boolean
  /** Whether no more waits in this process than may. */
  roomHere(): boolean
  /**
   * Whether it has read nothing for `patience` milliseconds, and as long again as what waits takes at the slowest. To
   * be asked every second or so.
   */
  stalled(now: number, patience: number): boolean
  /** Milliseconds, monotonic, of the last sign that it reads. */
  movedAt(): number
}

/** How often it is looked at what waits: not at every frame, most of which leave at once. */
const LOOK = { bytes: 8 * 1024, pieces: 32 }
/** Bytes from mark to mark, at most: each is a frame that the server has to read. */
const MARK = 128 * 1024
/** Bytes a millisecond. One large message is read for long without a sign. */
const SLOWEST = 8

/**
 * @param window bytes that may be on their way.
 * @param own bytes that the connection has not given to the system yet.
 */
export function createUnread(window: number, own: () => number, now: number): Unread {
  const step = Math.min(MARK, window / 2)
  /**
   * Bytes, all from the beginning: sent, at the last look, before the newest mark, and before the newest mark that was
   * answered.
   */
  let sent = 0
  let looked = 0
  let marked = 0
  let read = 0
  /** Pieces: since the last look, and of those before it that may still wait. */
  let fresh = 0
  let older = 0
  let full = false
  let movedAt = now

  const waits = () => own() > 0 || (read > 0 && marked > read)

  /** True: time for a mark. */
  function look(coming: number): boolean {
    // What waits is what came last: no more than that is, and all before it has left.
    const waiting = own() + coming
    older = waiting > sent - looked ? older + fresh : fresh
    fresh = 0
    looked = sent
    const crowded = !full && (older >= MOST_WAITING.pieces || waiting >= MOST_WAITING.bytes)
    full ||= crowded
    return crowded || sent - marked >= step
  }

  return {
    add(bytes) {
      sent += bytes
      fresh++
      return (sent - looked >= LOOK.bytes || fresh >= LOOK.pieces) && look(bytes)
    },
    mark() {
      marked = sent
      return String(sent)
    },
    flushed(now) {
      movedAt = now
      fresh = older = 0
      looked = sent
      full = false
    },
    answered(mark, now) {
      const upTo = Number(mark)
      if (!(upTo > read && upTo <= marked)) return
      read = upTo
      movedAt = now
    },
    room: () => !full && (read === 0 || sent - read < window),
    roomHere: () => !full,
    stalled(now, patience) {
      // It is asked often: what waits now has begun to since.
      if (!waits()) movedAt = now
      return now - movedAt >= patience + (read > 0 ? sent - read : own()) / SLOWEST
    },
    movedAt: () => movedAt,
  }
}
