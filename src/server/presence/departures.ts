import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { MOST_DEPARTED, type Attendance } from '../log/attendance.js'
import type { Announcer } from './announcer.js'
import { idsOf } from './member-ids.js'

export interface DeparturesDeps {
  readonly attendance: Attendance
  readonly announcer: Announcer
  readonly clock: Clock
  /** Milliseconds that a member stays listed after its last connection ended. */
  readonly grace: number
  onError(error: unknown, doing: string): void
}

/** Milliseconds between questions for those that have been gone for long enough. */
const LOOK = 1_000

/** Removes members that have been gone for long enough, whichever server they were on. */
export class Departures {
  readonly #deps: DeparturesDeps
  #closed = false
  #cancel = () => {}

  constructor(deps: DeparturesDeps) {
    this.#deps = deps
    this.#look()
  }

  /** The session is over: it has had its time to come back. */
  left(session: string): void {
    void this.#takeOut(session).catch(this.quietly)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** A failure is retried at the next check, here or on another server. The log itself reports that it is away. */
  readonly quietly = (error: unknown): void => {
    if (!this.#closed && !(error instanceof LiveSocketError)) this.#deps.onError(error, 'taking out who has left')
  }

  #look() {
    this.#cancel = this.#deps.clock.setTimeout(() => {
      void this.#takeOut()
        .catch(this.quietly)
        .then(() => this.#closed || this.#look())
    }, LOOK)
  }

  async #takeOut(session?: string) {
    const { attendance, announcer, grace } = this.#deps
    for (let more = true; more; ) {
      const departures = await attendance.departed(grace, session)
      more = session === undefined && new Set(departures.map((one) => one.session)).size === MOST_DEPARTED
      await Promise.all(
        departures.map(({ session: gone, topic, row }) =>
          announcer.announce(topic, gone, { type: 'gone', ids: idsOf(row) }),
        ),
      )
    }
  }
}
