import type { Clock } from '../../base/clock.js'
import type { ServerLeg } from './leg-contract.js'

/** Each sweep looks at every leg once, and finds what is due one sweep late at the most. */
const SWEEPS_PER_HEARTBEAT = 20
/**
 * Of the heartbeat: as late as the heartbeat allows, and after the client's own ping is due (0.8 of it). So an idle leg
 * is one ping and its answer in a heartbeat; only for a client whose timers stand still does the server speak first.
 */
const QUIET = 0.9
/** Of the heartbeat. A process that stood still for longer has unread frames: for a while nobody is called dead. */
const PAUSE = { longer: 0.6, spared: 0.2 }

/**
 * One timer for all that is to be looked at of the legs: who is silent, who does not read, whose token is over. Returns
 * the undo.
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
