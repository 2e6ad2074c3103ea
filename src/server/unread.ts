/**
 * What was sent to one leg and has not been read by it: what waits in this process, in bytes and in pieces, and what the system and the
 * network hold. Of the latter nothing tells a process, so the stream is marked with pings: whoever answers one has read what is before it.
 */
export interface Unread {
  /** A frame of so many bytes goes out now. True: a mark must follow, and `flushed` be called when that has left the process. */
  add(bytes: number, now: number): boolean
  /** The text of the next mark. */
  mark(now: number): string
  flushed(now: number): void
  /** A mark has come back. */
  answered(mark: string, now: number): void
  /** Whether no more waits in this process than may. */
  room(): boolean
  /** Whether no more is on its way, here and beyond, than may. A leg that never answered a ping has only the system's word for it. */
  inWindow(): boolean
  /** Whether it has read nothing for `patience` milliseconds, and as long again as what waits takes at the slowest. */
  stalled(now: number, patience: number): boolean
  /** Milliseconds, monotonic, of the last sign that it reads. */
  movedAt(): number
}

/** What may wait in this process for one leg before no more is taken from its topics. A piece costs Node some 350 bytes, whatever is in it. */
export const OWN = { bytes: 64 * 1024, pieces: 256 }
/** Bytes from mark to mark, at most: a link of 2 KB a second gives a sign of life each 16 s. */
const MARK = 32 * 1024
/** Bytes a millisecond. One large message is read for long without a sign. */
const SLOWEST = 16

/**
 * @param window bytes that may be on their way.
 * @param own bytes that the connection has not given to the system yet.
 */
export function createUnread(window: number, own: () => number, now: number): Unread {
  const step = Math.min(MARK, window / 4)
  /** Bytes, all from the beginning: sent, before the newest mark, and before the newest mark that was answered. */
  let sent = 0
  let marked = 0
  let read = 0
  let pieces = 0
  let full = false
  let movedAt = now

  const waits = () => own() > 0 || (read > 0 && marked > read)

  return {
    add(bytes, now) {
      const before = own()
      if (before === 0) {
        pieces = 0
        if (!waits()) movedAt = now
      }
      sent += bytes
      pieces++
      const crowded = !full && (pieces >= OWN.pieces || before + bytes >= OWN.bytes)
      full ||= crowded
      return crowded || sent - marked >= step
    },
    mark(now) {
      if (!waits()) movedAt = now
      marked = sent
      return String(sent)
    },
    flushed(now) {
      movedAt = now
      pieces = 0
      full = false
    },
    answered(mark, now) {
      const upTo = Number(mark)
      if (!(upTo > read && upTo <= marked)) return
      read = upTo
      movedAt = now
    },
    room: () => !full,
    inWindow: () => read === 0 || sent - read < window,
    stalled: (now, patience) => waits() && now - movedAt >= patience + (read > 0 ? sent - read : own()) / SLOWEST,
    movedAt: () => movedAt,
  }
}
