import type { LiveSocketState } from 'livesocket'
import { useLiveSocket, useLiveStatus } from 'livesocket/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { Badge, type Tone } from './pieces.js'

export interface BadgeContent {
  readonly tone: Tone
  readonly text: string
  /** Seconds until the next attempt. They are visible, but not read out by screen readers. */
  readonly left?: number
  readonly action?: 'Sign in' | 'Try now'
}

/** What the user has to know, in a few words. A planned handover is nothing that a user has to know. */
export function badgeOf(
  { status, closed, everLive, retry, token }: LiveSocketState,
  { long, online, now }: { long: boolean; online: boolean; now: number },
): BadgeContent {
  switch (status) {
    case 'live':
      return token.status === 'stale'
        ? { tone: 'wait', text: 'Live; signing in again' }
        : { tone: 'live', text: 'Live' }
    case 'idle':
    case 'connecting':
      if (!online) return { tone: 'wait', text: 'Offline' }
      return { tone: 'connecting', text: everLive ? 'Live' : 'Connecting' }
    case 'reconnecting':
      if (!online) return { tone: 'wait', text: 'Offline: your changes are kept' }
      // Most breaks are over before a user has read about them.
      if (!long) return { tone: 'live', text: 'Live' }
      return {
        tone: 'wait',
        text: 'Reconnecting',
        left: retry ? Math.max(0, Math.ceil((retry.at - now) / 1_000)) : 0,
        action: 'Try now',
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
 * The status of the nearest provider's socket, for users.
 *
 * @param patience how long a break may last before it is shown, ms
 * @param now the wall clock; a simulation has its own
 */
export function StatusBadge({ patience = 5_000, now = Date.now }: { patience?: number; now?: () => number }) {
  const socket = useLiveSocket()
  // The outbox changes with every publish, and does not matter here.
  const state = useLiveStatus((all) => all, sameBadge)
  const online = useOnline()
  const gone = useBreak(state.status === 'reconnecting', now)
  const content = badgeOf(state, { long: gone.at - gone.since >= patience, online, now: gone.at })
  return (
    <BadgeView
      {...content}
      onAction={() => (state.status === 'closed' ? socket.connect() : void socket.handover().catch(() => undefined))}
    />
  )
}

const sameBadge = (a: LiveSocketState, b: LiveSocketState) =>
  a.status === b.status && a.closed === b.closed && a.retry === b.retry && a.token.status === b.token.status

/** When the break began, and the present time, which is updated every half second during a break. */
function useBreak(broken: boolean, now: () => number) {
  const [times, setTimes] = useState({ since: 0, at: 0 })
  useEffect(() => {
    if (!broken) return
    const since = now()
    const look = () => setTimes({ since, at: now() })
    look()
    const looking = setInterval(look, 500)
    return () => {
      clearInterval(looking)
      setTimes({ since: 0, at: 0 })
    }
  }, [broken, now])
  return times
}

/** Whether the browser believes that it is online. On a server: true. */
function useOnline(): boolean {
  return useSyncExternalStore(
    listenForNetwork,
    () => navigator.onLine,
    () => true,
  )
}

function listenForNetwork(listener: () => void) {
  for (const type of ['online', 'offline']) addEventListener(type, listener)
  return () => {
    for (const type of ['online', 'offline']) removeEventListener(type, listener)
  }
}

export function BadgeView({ tone, text, left = 0, action, onAction }: BadgeContent & { onAction?: () => void }) {
  return (
    <span className="status-badge">
      <span role="status">
        <Badge tone={tone}>
          <span>
            {text}
            {left > 0 && <span aria-hidden="true"> in {left} s</span>}
          </span>
        </Badge>
      </span>
      {action && (
        <button type="button" className="link" onClick={onAction}>
          {action}
        </button>
      )}
    </span>
  )
}
