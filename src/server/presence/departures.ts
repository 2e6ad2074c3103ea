import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { MOST_DEPARTED, type Attendance } from '../log/attendance.js'
import type { Announcer } from './announcer.js'
import { idsOf } from './member-ids.js'

export interface DeparturesDeps {
  readonly attendance: Attendance
  readonly announcer: Announcer
  readonly clock: Clock
  /** Milliseconds for which a member whose last connection has ended is still one. */
  readonly grace: number
  onError(error: unknown, doing: string): void
}

/** How often it is asked who has been gone for long enough, ms. */
const LOOK = 1_000

/** Takes out who has been gone for long enough, of whatever server that was. */
export class Departures {
  readonly #deps: DeparturesDeps
  #closed = false
  #cancel = () => {}

  constructor(deps: DeparturesDeps) {
    this.#deps = deps
    this.#look()
  }

  /** That session is over: it has had its time to come back. */
  left(session: string): void {
    void this.#takeOut(session).catch(this.quietly)
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  /** What fails is tried again at the next look, here or elsewhere: the log says itself that it is away. */
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
