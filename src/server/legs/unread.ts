import { MOST_WAITING } from '../limits.js'

/** How often it is looked at what waits: not at every frame, most of which leave at once. */
const LOOK = { bytes: 8 * 1024, pieces: 32 }
/** Bytes from mark to mark, at most: each is a frame that the server has to read. */
const MARK = 128 * 1024
/** Bytes a millisecond. One large message is read for long without a sign. */
const SLOWEST = 8

/**
 * What was sent to one leg and has not been read by it: what waits in this process, in bytes and in pieces, and what
 * the system and the network hold. Of the latter nothing tells a process, so the stream is marked with pings: whoever
 * answers one has read what is before it.
 */
export class Unread {
  /** Bytes that may be on their way. */
  private readonly window: number
  /** What has the bytes that were not given to the system yet. */
  private readonly stream: { readonly writableLength: number }
  /**
   * Bytes, all from the beginning: sent, at the last look, before the newest mark, and before the newest mark that was
   * answered.
   */
  private sent = 0
  private looked = 0
  private marked = 0
  private read = 0
  /** Pieces: since the last look, and of those before it that may still wait. */
  private fresh = 0
  private older = 0
  private full = false
  /** Milliseconds, monotonic, of the last sign that it reads. */
  progressAt: number

  constructor(window: number, stream: { readonly writableLength: number }, now: number) {
    this.window = window
    this.stream = stream
    this.progressAt = now
  }

  /**
   * A frame of so many bytes goes out now. True: a mark must follow, and `flushed` be called when that has left the
   * process.
   */
  add(bytes: number): boolean {
    this.sent += bytes
    this.fresh++
    return (this.sent - this.looked >= LOOK.bytes || this.fresh >= LOOK.pieces) && this.look(bytes)
  }

  /** The text of the next mark. */
  mark(): string {
    this.marked = this.sent
    return String(this.sent)
  }

  flushed(now: number): void {
    this.progressAt = now
    this.fresh = this.older = 0
    this.looked = this.sent
    this.full = false
  }

  /** A mark has come back. */
  answered(mark: string, now: number): void {
    const upTo = Number(mark)
    if (!(upTo > this.read && upTo <= this.marked)) return
    this.read = upTo
    this.progressAt = now
  }

  /**
   * Whether no more is on its way, here and beyond, than may. A leg that never answered a ping has only the system's
   * word for it.
   */
  room(): boolean {
    return !this.full && (this.read === 0 || this.sent - this.read < this.window)
  }

  /** Whether no more waits in this process than may. */
  roomHere(): boolean {
    return !this.full
  }

  /**
   * Whether it has read nothing for `patience` milliseconds, and as long again as what waits takes at the slowest. To
   * be asked every second or so.
   *
   * @param heard whether its answers to marks are: while it is not listened to, only what waits here tells of it.
   */
  stalled(now: number, patience: number, heard = true): boolean {
    const marks = heard && this.read > 0
    // It is asked often: what waits now has begun to since.
    if (this.stream.writableLength === 0 && !(marks && this.marked > this.read)) this.progressAt = now
    return now - this.progressAt >= patience + (marks ? this.sent - this.read : this.stream.writableLength) / SLOWEST
  }

  /** True: time for a mark. */
  private look(coming: number): boolean {
    // What waits is what came last: no more than that is, and all before it has left.
    const waiting = this.stream.writableLength + coming
    this.older = waiting > this.sent - this.looked ? this.older + this.fresh : this.fresh
    this.fresh = 0
    this.looked = this.sent
    const crowded = !this.full && (this.older >= MOST_WAITING.pieces || waiting >= MOST_WAITING.bytes)
    this.full ||= crowded
    return crowded || this.sent - this.marked >= Math.min(MARK, this.window / 2)
  }
}
