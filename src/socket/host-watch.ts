import type { Coordinator } from '../handover/coordinator.js'
import { watchWake } from '../host/wake.js'

/**
 * Milliseconds. After a network change or a wake a leg must answer within this time. Noticing a wake takes a second, so
 * it is 3 s in all.
 */
const PROBE = 2_000

/** Tells the legs about changes of the page, its network and its machine. Returns a function that stops this. */
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
      // Any sign of life counts, whichever comes first: a restored page may report `shown` before it reports that it is
      // back.
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
 * Checks what may have changed without a notification, and rings the alarms that came due while no timer ran. The token
 * is checked first, because the user may have signed out in another tab meanwhile.
 */
function lookAgain(coordinator: Coordinator) {
  coordinator.evidence.hint()
  coordinator.session.tokens.lookIfChanged()
  coordinator.settings.clock.ringDue()
  coordinator.probe(PROBE)
}
