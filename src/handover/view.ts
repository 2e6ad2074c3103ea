import type { Carrier } from './effects.js'

/** The part of the public state about legs and handovers; times are wall-clock ms. */
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

export function viewOf({ settings, state, activeLeg: leg, handoverRecord, dialTimer }: Carrier): View {
  const { active, standby, old, wait, failures } = state
  const ask = active?.ask ?? (old && handoverRecord.cutover?.ask)
  const phase = standby ? 'dialling' : wait !== 'none' && active?.ask ? 'waiting' : 'overlapping'
  return {
    leg: leg?.welcome
      ? { number: leg.number, url: leg.url, server: leg.welcome.server, since: leg.welcome.at.wall }
      : null,
    handover: active && ask ? { id: ask.id, reason: ask.reason, phase, deadline: ask.at.wall + ask.deadline } : null,
    retry: !active && wait === 'timer' ? { attempt: failures, at: settings.clock.now() + (dialTimer.left ?? 0) } : null,
  }
}
