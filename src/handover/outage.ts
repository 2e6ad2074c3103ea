import type { Clock } from '../base/clock.js'
import { brief } from '../base/explanation.js'
import { inDevelopment } from '../base/development.js'
import type { Failure } from '../policy/leg-failure.js'

/** Why the socket is not live. Never contains a token or the query of a URL. */
export interface LastError {
  /** Wall-clock ms. */
  readonly at: number
  /**
   * What the server said, by the codes of the protocol (`unauthorized`, `busy`, `forbidden`, `draining`, …), or what
   * the client saw: `unreachable` (no connection, or no welcome on it: server off, wrong path, origin refused; browsers
   * do not say which), `lost` (it served, and the connection ended), `server` or `app` (closed permanently, by whom),
   * `token-failed` (`getToken` supplies no token).
   */
  readonly code: string
  readonly message: string
  /** What to check, if there is something to check. */
  readonly hint?: string
}

/**
 * The most kinds of warnings per outage. There are few kinds, but a server's own code can be one, and a server must not
 * be able to cause any number of warnings.
 */
const MOST_WARNINGS = 20

/** A period in which no leg serves: its latest reason, and which warnings the developer has seen. */
export class Outage {
  readonly #clock: Clock
  readonly #quiet: boolean
  /** Null while a leg serves, and before anything has failed. */
  lastError: LastError | null = null
  #warned: Set<string> | null = null

  /** `quiet`: no warnings. */
  constructor(clock: Clock, quiet: boolean) {
    this.#clock = clock
    this.#quiet = quiet
  }

  failed(failure: Failure): void {
    this.lastError = { at: this.#clock.now(), ...failure }
    if (brief) return
    const { code, message, hint } = failure
    // A lost connection is what this library handles, and the application knows what its own `onClose` did. Only what
    // prevents a new connection deserves a warning.
    if (code !== 'lost' && code !== 'app') this.warn(code, hint ? `${message}. ${hint}` : message)
  }

  /** A leg serves, or the application itself wants none to. */
  over(): void {
    this.lastError = this.#warned = null
  }

  /** Writes one line to the console, once for each `kind` and outage, in development. */
  warn(kind: string, text: string): void {
    if (brief || this.#quiet || !inDevelopment()) return
    const warned = (this.#warned ??= new Set())
    if (warned.has(kind) || warned.size >= MOST_WARNINGS) return
    warned.add(kind)
    // The text contains server texts, and the console may be a terminal.
    console.warn(`livesocket: ${text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}`)
  }
}
