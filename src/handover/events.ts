import type { LiveSocketError } from '../base/errors.js'
import type { Gap } from '../topics/gap.js'

/** The events of `socket.on(type, listener)`. None of them ever contains a token or the query of a URL. */
export interface LiveSocketEvents {
  /** A new leg is being dialled; `handover` is the id of the request that caused it. */
  'leg-dialling': { leg: number; handover?: string }
  'leg-open': { leg: number; url: string }
  /** The leg was welcomed, and serves from now on. */
  'leg-ready': { leg: number; url: string; server: string }
  'leg-closed': { leg: number; code: number; reason: string; by: 'client' | 'server' }
  'handover-requested': { id: string; reason: string; deadline: number; spread: number }
  /** `exclusive`: the server accepts one leg at a time, so this handover is a break, as short as possible. */
  'handover-started': { id: string; reason: string; from: number; to: number; overlap: 'concurrent' | 'exclusive' }
  /** The new leg serves; the old leg lives until it has nothing more to deliver. */
  cutover: { id: string; from: number; to: number }
  /** The old leg is gone; `overlap` is how long both legs lived, ms. */
  'handover-finished': { id: string; reason: string; from: number; to: number; overlap: number }
  /** The handover did not happen, or not in time; the serving leg stays in use. */
  'handover-failed': { id: string; reason: string; why: 'deadline' | 'cancelled' | 'superseded' | 'recovered' | 'lost' }
  gap: Gap
  'token-refreshed': { reason: string; lifetime: number }
  'token-failed': { reason: string; error: unknown; retryIn: number }
  'session-ended': { reason: string }
  /** Something that arrived is invalid; it changed nothing else. */
  invalid: { topic?: string; reason: string }
  'redirect-refused': { reason: string }
  error: { error: LiveSocketError }
}

/** Every type of event. The type of this object makes a missing one a compile error. */
export const EVENTS: Readonly<Record<keyof LiveSocketEvents, true>> = {
  'leg-dialling': true,
  'leg-open': true,
  'leg-ready': true,
  'leg-closed': true,
  'handover-requested': true,
  'handover-started': true,
  cutover: true,
  'handover-finished': true,
  'handover-failed': true,
  gap: true,
  'token-refreshed': true,
  'token-failed': true,
  'session-ended': true,
  invalid: true,
  'redirect-refused': true,
  error: true,
}

export type Emit = <Type extends keyof LiveSocketEvents>(type: Type, event: LiveSocketEvents[Type]) => void
