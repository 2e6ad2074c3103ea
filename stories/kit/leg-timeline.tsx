import { useEffect, useRef } from 'react'
import { paintTimeline, type TimelinePicture } from '../../src/devtools/timeline.js'
import { TIMELINE_HEIGHT } from '../../src/devtools/timeline-sheet.js'

const CALM = 1_000

/** Paints `picture` at every animation frame, or once a second for readers who prefer reduced motion. */
export function LegTimeline({ label, picture }: { label: string; picture: () => TimelinePicture }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const calm = matchMedia('(prefers-reduced-motion: reduce)')
    let paintedAt = -Infinity
    let frame = requestAnimationFrame(function next(now) {
      if (!calm.matches || now - paintedAt >= CALM) {
        paintedAt = now
        if (canvas.current) paintTimeline(canvas.current, picture())
      }
      frame = requestAnimationFrame(next)
    })
    return () => cancelAnimationFrame(frame)
  }, [picture])
  return <canvas ref={canvas} className="timeline" style={{ height: TIMELINE_HEIGHT }} role="img" aria-label={label} />
}
