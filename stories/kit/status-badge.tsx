import type { LiveSocketState } from 'livesocket'
import { useLiveSocket, useLiveStatus } from 'livesocket/react'
import { useEffect, useState } from 'react'
import { Badge, type Tone } from './pieces.js'

/** What a reader is to know, in a word or two. A planned move is nothing that a reader has to know of. */
export function badgeOf({ status, closed, everLive, retry, token }: LiveSocketState, { long, online, now }: { long: boolean; online: boolean; now: number }): { tone: Tone; text: string; action?: 'Sign in' | 'Try now' } {
  switch (status) {
    case 'live':
      return token.status === 'stale' ? { tone: 'wait', text: 'Live; signing in again' } : { tone: 'live', text: 'Live' }
    case 'idle':
    case 'connecting':
      if (!online) return { tone: 'wait', text: 'Offline' }
      return { tone: 'connecting', text: everLive ? 'Live' : 'Connecting' }
    case 'reconnecting': {
      if (!online) return { tone: 'wait', text: 'Offline: what you do is kept' }
      // Most breaks are over before anybody has read of them.
      if (!long) return { tone: 'live', text: 'Live' }
      const left = retry ? Math.ceil((retry.at - now) / 1_000) : 0
      return { tone: 'wait', text: left > 0 ? `Reconnecting in ${left} s` : 'Reconnecting', action: 'Try now' }
    }
    case 'closed':
      switch (closed?.by) {
        case 'session-ended':
          return { tone: 'down', text: 'Your session has ended', action: 'Sign in' }
        case 'signed-out':
          return { tone: 'idle', text: 'Signed out', action: 'Sign in' }
        case 'forbidden':
          return { tone: 'down', text: 'No access' }
        case 'superseded':
          return { tone: 'idle', text: 'Open in another window' }
        case 'server':
        case 'protocol':
          return { tone: 'down', text: 'Not available', action: 'Try now' }
        default:
          return { tone: 'idle', text: 'Closed' }
      }
  }
}

/**
 * The status of the nearest provider's socket, for readers.
 *
 * @param patience how long a break may last before it is told, ms
 * @param now the wall clock; a simulation has another one
 */
export function StatusBadge({ patience = 5_000, now = Date.now }: { patience?: number; now?: () => number }) {
  const socket = useLiveSocket()
  // The outbox changes with every publish, and does not matter here.
  const state = useLiveStatus((all) => all, sameBadge)
  const [long, setLong] = useState(false)
  const [, tick] = useState(0)
  const broken = state.status === 'reconnecting'
  useEffect(() => {
    if (!broken) return setLong(false)
    const patient = setTimeout(() => setLong(true), patience)
    const ticking = setInterval(() => tick((count) => count + 1), 500)
    return () => {
      clearTimeout(patient)
      clearInterval(ticking)
    }
  }, [broken, patience])
  const online = typeof navigator === 'object' ? navigator.onLine : true
  return <BadgeView {...badgeOf(state, { long, online, now: now() })} onAction={() => (state.status === 'closed' ? socket.connect() : void socket.handover().catch(() => undefined))} />
}

const sameBadge = (a: LiveSocketState, b: LiveSocketState) => a.status === b.status && a.closed === b.closed && a.retry === b.retry && a.token.status === b.token.status

export function BadgeView({ tone, text, action, onAction }: ReturnType<typeof badgeOf> & { onAction?: () => void }) {
  return (
    <span className="status-badge">
      <span role="status">
        <Badge tone={tone}>{text}</Badge>
      </span>
      {action && (
        <button type="button" className="link" onClick={onAction}>
          {action}
        </button>
      )}
    </span>
  )
}
