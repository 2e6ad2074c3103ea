import type { Clock } from '../base/clock.js'
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

/** The time in which nothing serves: what was its newest reason, and what a developer has been told of it. */
export interface Outage {
  /** Null while something serves, and before anything has failed. */
  readonly lastError: LastError | null
  failed(failure: Failure): void
  /** Something serves, or the application itself wants nothing to. */
  over(): void
  /** One line on the console, once for each `kind` and outage, in development. */
  warn(kind: string, text: string): void
}

/** Kinds are few; but where a server's own words are one, that is not for it to say. */
const MOST_WARNINGS = 20

/** `quiet`: warn of nothing. */
export function createOutage(clock: Clock, quiet: boolean): Outage {
  let lastError: LastError | null = null
  const warned = new Set<string>()

  function warn(kind: string, text: string) {
    if (quiet || warned.has(kind) || warned.size >= MOST_WARNINGS || !inDevelopment()) return
    warned.add(kind)
    console.warn(`livesocket: ${text}`)
  }

  return {
    get lastError() {
      return lastError
    },
    failed(failure) {
      lastError = { at: clock.now(), ...failure }
      // That a connection ends is what this is made for, and the application's own `onClose` knows what it did: only
      // what keeps a new one from coming is worth a line.
      if (failure.code !== 'lost' && failure.code !== 'app')
        warn(failure.code, failure.hint ? `${failure.message}. ${failure.hint}` : failure.message)
    },
    over() {
      lastError = null
      warned.clear()
    },
    warn,
  }
}
