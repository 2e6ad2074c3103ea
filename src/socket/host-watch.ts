import type { Coordinator } from '../handover/coordinator.js'
import { watchWake } from '../host/wake.js'

/**
 * After a change of network or a wake a leg must answer within this time: with the second that a wake takes to be seen,
 * 3 s in all.
 */
const PROBE = 2_000

/** Lets the legs hear what becomes of the page, its network and its machine. Returns the undo. */
export function watchHost(coordinator: Coordinator): () => void {
  const { clock, network, page, protocol } = coordinator.settings
  let stopTicks: (() => void) | undefined
  const tick = (hidden: boolean) => {
    if (hidden) stopTicks ??= protocol.tickWhileHidden?.(clock, () => clock.ringDue())
    else {
      stopTicks?.()
      stopTicks = undefined
    }
  }
  tick(page.hidden())
  const stops = [
    network.subscribe((hint) => {
      coordinator.evidence.networkChanged()
      lookAgain(coordinator)
      if (hint !== 'offline') coordinator.dialSooner(PROBE)
    }),
    watchWake(clock, page, () => {
      lookAgain(coordinator)
      coordinator.dialSooner()
    }),
    page.subscribe((change) => {
      tick(page.hidden() && change !== 'stored')
      if (change === 'stored') {
        coordinator.session.tokens.suspend()
        return coordinator.suspend()
      }
      if (change === 'leaving') return coordinator.leaving()
      if (change === 'hidden') return
      // Whichever sign of life comes first: a restored page may say that it is shown before it says that it is back.
      lookAgain(coordinator)
      if (!coordinator.dialTimer.resume()) coordinator.dialSooner()
    }),
  ]
  return () => {
    tick(false)
    for (const stop of stops) stop()
  }
}

/**
 * What nobody has told may be so by now, and time may have passed that no timer saw. The token comes before what is due:
 * meanwhile somebody may have signed out in another tab.
 */
function lookAgain(coordinator: Coordinator) {
  coordinator.evidence.hint()
  coordinator.session.tokens.lookIfChanged()
  coordinator.settings.clock.ringDue()
  coordinator.probe(PROBE)
}
