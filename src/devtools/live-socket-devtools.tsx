'use client'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import type { LiveSocket } from '../live-socket.js'
import type { Devtools, DevtoolsOptions } from './panel.js'

export interface LiveSocketDevtoolsProps extends DevtoolsOptions {
  readonly socket: LiveSocket<any, any>
}

/**
 * The panel, in place. Its code is a chunk of its own, loaded when the component is on a page: behind a condition that a production
 * build sees through (`import.meta.env.DEV && …`) nothing of it is loaded there.
 */
export function LiveSocketDevtools({ socket, clock, wire, limit, theme, onExport, frames }: LiveSocketDevtoolsProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    let gone = false
    let panel: Devtools | undefined
    import('./panel.js').then(
      ({ mountDevtools }) => {
        if (!gone && place.current) panel = mountDevtools(socket, place.current, { clock, wire, limit, theme, onExport, frames })
      },
      () => !gone && setFailed(true),
    )
    return () => {
      gone = true
      panel?.unmount()
    }
  }, [socket, clock, wire, limit, theme, onExport, frames])
  return <div ref={place}>{failed ? 'The LiveSocket devtools could not be loaded.' : null}</div>
}
