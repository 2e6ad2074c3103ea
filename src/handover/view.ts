import type { HandoverAsk, State } from './state.js'
import type { HandoverLeg } from './handover-leg.js'

/** What the public state shows of legs and handovers; times are wall-clock ms. */
export interface View {
  readonly leg: { number: number; url: string; server: string; since: number } | null
  readonly handover: {
    id: string
    reason: string
    phase: 'waiting' | 'dialling' | 'overlapping'
    deadline: number
  } | null
  readonly retry: { attempt: number; at: number } | null
}

/**
 * `leg`: the one that serves. `overlapping`: what the cutover was for whose old leg still lives. `dialAt`: when the next
 * dial is due, wall-clock ms.
 */
export function viewOf(
  state: State,
  leg: HandoverLeg | undefined,
  overlapping: HandoverAsk | undefined,
  dialAt: number,
): View {
  const { active, standby, old } = state
  const ask = active?.ask ?? (old && overlapping)
  const phase = standby ? 'dialling' : state.wait !== 'none' && active?.ask ? 'waiting' : 'overlapping'
  return {
    leg: leg?.welcome
      ? { number: leg.number, url: leg.url, server: leg.welcome.server, since: leg.welcome.at.wall }
      : null,
    handover: active && ask ? { id: ask.id, reason: ask.reason, phase, deadline: ask.at.wall + ask.deadline } : null,
    retry: !active && state.wait === 'timer' ? { attempt: state.failures, at: dialAt } : null,
  }
}
