'use client'
import { useEffect, useInsertionEffect, useRef, useState, type ReactNode } from 'react'
import type { LiveConnection } from '../socket/live-connection.js'
import type { Devtools, DevtoolsOptions } from './panel.js'

/** What the panel shows, and where it sits. */
export interface LiveSocketDevtoolsProps extends DevtoolsOptions {
  readonly socket: LiveConnection
}

/**
 * The panel, in place. Its code is a chunk of its own, loaded when the component is on a page: behind a condition that
 * a production build sees through (`import.meta.env.DEV && …`) nothing of it is loaded there.
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
  // What is recorded outlives a change of the theme: the panel follows the place that it is in.
  return (
    <div ref={place} style={theme && { colorScheme: theme }}>
      {failed ? 'The LiveSocket devtools could not be loaded.' : null}
    </div>
  )
}

const loadPanel = () => Promise.all([import('./panel.js'), import('./save-recording.js')])
