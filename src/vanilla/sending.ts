import { bytesOf, isBytes } from '../protocol/bytes.js'
import { sizeOf, type Sendable } from './sent-data.js'

/** What `send` has taken. A Blob is read before it can be sent, and what is sent after it waits its turn. */
export class Sending {
  /** Bytes that are under way. */
  #waiting = 0
  /** Bytes that were taken in vain: what is counted goes on counting while a socket is closed. */
  dropped = 0
  #turn: Promise<void> | null = null
  readonly #publish: (data: string | ArrayBuffer | ArrayBufferView) => Promise<unknown>
  readonly #failed: (error: Error, size: number) => void

  /** `failed`: what was taken is not sent, or nobody knows. */
  constructor(
    publish: (data: string | ArrayBuffer | ArrayBufferView) => Promise<unknown>,
    failed: (error: Error, size: number) => void,
  ) {
    this.#publish = publish
    this.#failed = failed
  }

  get bytes(): number {
    return this.#waiting + this.dropped
  }

  /** `open`: it may still be sent. As the standard has it, what comes too late is counted, and nothing else. */
  accept(data: Sendable, open: boolean) {
    const size = sizeOf(data)
    if (!open) return void (this.dropped += size)
    this.#waiting += size
    if (!this.#turn && !(data instanceof Blob)) return this.#hand(data, size)
    const whole = Promise.resolve(data instanceof Blob ? data.arrayBuffer() : isBytes(data) ? bytesOf(data) : data)
    // Nobody hears of it before its turn.
    whole.catch(() => undefined)
    const before = this.#turn ?? Promise.resolve()
    const turn = (this.#turn = before
      .then(async () => this.#hand(await whole, size))
      .catch((error: Error) => this.#fail(error, size))
      .finally(() => {
        if (this.#turn === turn) this.#turn = null
      }))
  }

  /** Once what was taken is handed on: at once, where nothing waits for its turn. */
  after(task: () => void) {
    if (this.#turn) void this.#turn.finally(task)
    else task()
  }

  #hand(data: string | ArrayBuffer | ArrayBufferView, size: number) {
    this.#publish(data).then(
      () => {
        this.#waiting -= size
      },
      (error: Error) => this.#fail(error, size),
    )
  }

  #fail(error: Error, size: number) {
    this.#waiting -= size
    this.#failed(error, size)
  }
}
