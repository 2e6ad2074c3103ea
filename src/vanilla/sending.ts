import { bytesOf, isBytes } from '../protocol/bytes.js'
import { sizeOf, type Sendable } from './sent-data.js'

/**
 * What `send` has accepted. A Blob must be read before it can be sent, and what is sent after it waits for its turn.
 */
export class Sending {
  /** Bytes that have been accepted and are not sent yet. */
  #waiting = 0
  /** Bytes that will not be sent. As in the standard they stay counted while the socket is closed. */
  dropped = 0
  #turn: Promise<void> | null = null
  readonly #publish: (data: string | ArrayBuffer | ArrayBufferView) => Promise<unknown>
  readonly #failed: (error: Error, size: number) => void

  /** `failed`: the accepted data was not sent, or its outcome is unknown. */
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

  /** `open`: the data may still be sent. If not, its bytes are counted and nothing else happens, as in the standard. */
  accept(data: Sendable, open: boolean) {
    const size = sizeOf(data)
    if (!open) return void (this.dropped += size)
    this.#waiting += size
    if (!this.#turn && !(data instanceof Blob)) return this.#hand(data, size)
    const whole = Promise.resolve(data instanceof Blob ? data.arrayBuffer() : isBytes(data) ? bytesOf(data) : data)
    // A failure is reported only when its turn comes.
    whole.catch(() => undefined)
    const before = this.#turn ?? Promise.resolve()
    const turn = (this.#turn = before
      .then(async () => this.#hand(await whole, size))
      .catch((error: Error) => this.#fail(error, size))
      .finally(() => {
        if (this.#turn === turn) this.#turn = null
      }))
  }

  /** Runs `task` when everything accepted has been handed on: at once if nothing waits for its turn. */
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
