import { MOST_WAITING } from '../limits.js'

/** How often what waits is measured: not at every frame, most of which leave at once. */
const LOOK = { bytes: 8 * 1024, pieces: 32 }
/** The most bytes from one mark to the next: the server has to read an answer to each. */
const MARK = 128 * 1024
/** Bytes a millisecond. A large message takes long to read, without a sign meanwhile. */
const SLOWEST = 8

/**
 * What was sent to one leg and is not read yet. That is what waits in this process, in bytes and pieces, and what the
 * system and the network hold. A process cannot see the second part, so the stream is marked with pings: a client that
 * answers one has read everything before it.
 */
export class Unread {
  /** The most bytes that may be on their way. */
  private readonly window: number
  /** The stream that holds the bytes that were not given to the system yet. */
  private readonly stream: { readonly writableLength: number }
  /**
   * Bytes, each counted from the beginning: sent; sent at the last measurement; sent before the newest mark; and sent
   * before the newest mark that was answered.
   */
  private sent = 0
  private looked = 0
  private marked = 0
  private read = 0
  /** Pieces: those since the last measurement, and those before it that may still wait. */
  private fresh = 0
  private older = 0
  private full = false
  /** When it last showed that it reads, in monotonic milliseconds. */
  progressAt: number

  constructor(window: number, stream: { readonly writableLength: number }, now: number) {
    this.window = window
    this.stream = stream
    this.progressAt = now
  }

  /**
   * A frame of that many bytes is about to be sent. True: a mark must follow, and `flushed` must be called when that
   * mark has left the process.
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

  /** A mark was answered. */
  answered(mark: string, now: number): void {
    const upTo = Number(mark)
    if (!(upTo > this.read && upTo <= this.marked)) return
    this.read = upTo
    this.progressAt = now
  }

  /**
   * Whether no more than the window is on its way, here and beyond. For a leg that never answered a ping, only what
   * waits in this process is known.
   */
  room(): boolean {
    return !this.full && (this.read === 0 || this.sent - this.read < this.window)
  }

  /** Whether no more waits in this process than may. */
  roomHere(): boolean {
    return !this.full
  }

  /**
   * Whether it has read nothing for `patience` milliseconds, plus the time that what waits takes at the slowest rate.
   * To be called every second or so.
   *
   * @param heard whether answers to marks are received: while the leg is not read, only what waits in this process
   * counts.
   */
  stalled(now: number, patience: number, heard = true): boolean {
    const marks = heard && this.read > 0
    // This is called often, so whatever waits now began to wait after the last call.
    if (this.stream.writableLength === 0 && !(marks && this.marked > this.read)) this.progressAt = now
    return now - this.progressAt >= patience + (marks ? this.sent - this.read : this.stream.writableLength) / SLOWEST
  }

  /** True: it is time for a mark. */
  private look(coming: number): boolean {
    // The bytes that wait are the newest ones. If no more wait than were sent since the last measurement, all earlier
    // pieces have left.
    const waiting = this.stream.writableLength + coming
    this.older = waiting > this.sent - this.looked ? this.older + this.fresh : this.fresh
    this.fresh = 0
    this.looked = this.sent
    const crowded = !this.full && (this.older >= MOST_WAITING.pieces || waiting >= MOST_WAITING.bytes)
    this.full ||= crowded
    return crowded || this.sent - this.marked >= Math.min(MARK, this.window / 2)
  }
}
