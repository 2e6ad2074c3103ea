import type { Clock } from '../../base/clock.js'
import type { ServerLeg } from './leg-contract.js'

/** Each sweep checks every leg once, so whatever is due is found at most one sweep late. */
const SWEEPS_PER_HEARTBEAT = 20
/**
 * As a share of the heartbeat: late, but after the client's own ping is due (0.8 of it). So an idle leg costs one ping
 * and its answer in each heartbeat. The server speaks first only for a client whose timers do not run.
 */
const QUIET = 0.9
/**
 * As shares of the heartbeat. A process that stood still for `longer` has unread frames: for `spared` no leg counts as
 * dead.
 */
const PAUSE = { longer: 0.6, spared: 0.2 }

/**
 * Checks all legs with one timer: which are silent, which do not read, whose token is over. Returns the undo.
 *
 * @param grace milliseconds of silence beyond the heartbeat after which a leg is dead.
 */
export function sweepLegs<User>(
  legs: ReadonlySet<ServerLeg<User>>,
  { clock, heartbeat, grace }: { readonly clock: Clock; readonly heartbeat: number; readonly grace: number },
): () => void {
  let last = clock.monotonic()
  let sparedUntil = -Infinity
  let cancel: () => void

  function arm() {
    cancel = clock.setTimeout(look, heartbeat / SWEEPS_PER_HEARTBEAT)
  }

  function look() {
    const now = clock.monotonic()
    if (now - last > PAUSE.longer * heartbeat) sparedUntil = now + PAUSE.spared * heartbeat
    last = now
    const dead = now < sparedUntil ? Infinity : heartbeat + grace
    for (const leg of [...legs]) leg.checkSilence(now, { quiet: QUIET * heartbeat, dead })
    arm()
  }

  arm()
  return () => cancel()
}
