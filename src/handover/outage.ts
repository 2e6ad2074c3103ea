import type { Clock } from '../base/clock.js'
import { brief } from '../base/explanation.js'
import { inDevelopment } from '../base/development.js'
import type { Failure } from '../policy/leg-failure.js'

/** Why it is not live. Neither a token nor the query of a URL is ever in it. */
export interface LastError {
  /** Wall-clock ms. */
  readonly at: number
  /**
   * What the server said, by the codes of the protocol (`unauthorized`, `busy`, `forbidden`, `draining`, …), or what
   * was seen of it:
   * `unreachable` (no connection, or no welcome on it: server off, wrong path, origin refused; browsers do not say
   * which), `lost` (it served, and the connection ended), `server` or `app` (closed for good, by whom), `token-failed`
   * (`getToken` brings none).
   */
  readonly code: string
  readonly message: string
  /** What to check, where there is something to check. */
  readonly hint?: string
}

/** Kinds are few; but where a server's own words are one, that is not for it to say. */
const MOST_WARNINGS = 20

/** The time in which nothing serves: what was its newest reason, and what a developer has been told of it. */
export class Outage {
  readonly #clock: Clock
  readonly #quiet: boolean
  /** Null while something serves, and before anything has failed. */
  lastError: LastError | null = null
  #warned: Set<string> | null = null

  /** `quiet`: warn of nothing. */
  constructor(clock: Clock, quiet: boolean) {
    this.#clock = clock
    this.#quiet = quiet
  }

  failed(failure: Failure): void {
    this.lastError = { at: this.#clock.now(), ...failure }
    if (brief) return
    const { code, message, hint } = failure
    // That a connection ends is what this is made for, and the application's own `onClose` knows what it did: only
    // what keeps a new one from coming is worth a line.
    if (code !== 'lost' && code !== 'app') this.warn(code, hint ? `${message}. ${hint}` : message)
  }

  /** Something serves, or the application itself wants nothing to. */
  over(): void {
    this.lastError = this.#warned = null
  }

  /** One line on the console, once for each `kind` and outage, in development. */
  warn(kind: string, text: string): void {
    if (brief || this.#quiet || !inDevelopment()) return
    const warned = (this.#warned ??= new Set())
    if (warned.has(kind) || warned.size >= MOST_WARNINGS) return
    warned.add(kind)
    // Words of servers are in it, and it may be a terminal.
    console.warn(`livesocket: ${text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}`)
  }
}
