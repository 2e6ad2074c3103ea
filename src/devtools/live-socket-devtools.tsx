'use client'
import { useEffect, useInsertionEffect, useRef, useState, type ReactNode } from 'react'
import type { LiveConnection } from '../socket/live-connection.js'
import type { Devtools, DevtoolsOptions } from './panel.js'

/** Props of `LiveSocketDevtools`: the socket, and the options of the panel. */
export interface LiveSocketDevtoolsProps extends DevtoolsOptions {
  readonly socket: LiveConnection
}

/**
 * Renders the panel in place. Its code is a separate chunk that is loaded when the component is mounted. Behind a
 * condition that a production build can evaluate (`import.meta.env.DEV && …`) nothing of it is loaded there.
 */
export function LiveSocketDevtools({
  socket,
  clock,
  wire,
  limit,
  theme,
  onExport,
  frames,
}: LiveSocketDevtoolsProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const exporting = useRef(onExport)
  const [failed, setFailed] = useState(false)
  useInsertionEffect(() => void (exporting.current = onExport))
  useEffect(() => {
    let gone = false
    let panel: Devtools | undefined
    loadPanel().then(
      ([{ mountDevtools }, { saveRecording }]) => {
        if (gone || !place.current) return
        panel = mountDevtools(socket, place.current, {
          clock,
          wire,
          limit,
          frames,
          onExport: (recording) => (exporting.current ?? saveRecording)(recording),
        })
      },
      () => !gone && setFailed(true),
    )
    return () => {
      gone = true
      panel?.unmount()
    }
  }, [socket, clock, wire, limit, frames])
  // The panel takes the theme from this element, so a change of the theme keeps what was recorded.
  return (
    <div ref={place} style={theme && { colorScheme: theme }}>
      {failed ? 'The LiveSocket devtools could not be loaded.' : null}
    </div>
  )
}

const loadPanel = () => Promise.all([import('./panel.js'), import('./save-recording.js')])
