import type { RecordedLeg } from './leg-history.js'
import type { Arrival } from './recorder.js'
import { cutoversOf, paintLegs } from './timeline-legs.js'
import { paintLost, paintMessages } from './timeline-messages.js'
import {
  AXIS,
  createSheet,
  HEAD,
  lanesOf,
  STREAM,
  STREAM_MIDDLE,
  STREAM_TOP,
  type TimelineSheet,
} from './timeline-sheet.js'

/** A named moment, drawn over the whole height. */
export interface TimelineMark {
  readonly at: number
  readonly label: string
}

/** What to paint. All times are ms on one scale. */
export interface TimelinePicture {
  /** The time at the right edge, and how much of the past is shown. */
  readonly now: number
  readonly span: number
  readonly legs: readonly RecordedLeg[]
  readonly arrivals: readonly Arrival[]
  readonly marks?: readonly TimelineMark[]
  /** When lost messages would have come. */
  readonly lost?: readonly number[]
}

/**
 * Paints legs in two lanes, so that an overlap is visible, with the messages that each of them brought. Below them it
 * paints the one stream that the application saw, each message in the colour of the leg that brought it.
 */
export function paintTimeline(canvas: HTMLCanvasElement, picture: TimelinePicture): void {
  const { now, span, legs, arrivals, marks = [], lost = [] } = picture
  const sheet = createSheet(canvas, picture)
  if (!sheet) return
  paintAxis(sheet, now, span)
  const laneAt = lanesOf(legs)
  paintLegs(sheet, legs, laneAt, now)
  paintMarks(sheet, marks, cutoversOf(legs))
  paintMessages(
    sheet,
    legs,
    laneAt,
    arrivals.filter(({ at }) => at >= now - span && at <= now),
  )
  paintLost(sheet, lost)
}

function paintAxis({ context, width, height, colours, x, font }: TimelineSheet, now: number, span: number) {
  const step = span <= 12_000 ? 1_000 : span <= 30_000 ? 5_000 : 10_000
  font(450, 11)
  for (let at = Math.ceil((now - span) / step) * step; at <= now; at += step) {
    const left = Math.round(x(at))
    context.fillStyle = colours['--line']
    context.fillRect(left, HEAD - 4, 1, STREAM_TOP + STREAM - HEAD + 4)
    if (at < 0) continue
    const label = `${Math.round(at / 1_000)} s`
    const room = context.measureText(label).width
    context.fillStyle = colours['--muted']
    if (left - room / 2 > 0 && left + room / 2 < width) context.fillText(label, left - room / 2, height - AXIS / 2 + 2)
  }
  context.fillStyle = colours['--line']
  context.fillRect(0, STREAM_MIDDLE, width, 1)
}

function paintMarks(
  { context, width, colours, x, font, line }: TimelineSheet,
  marks: readonly TimelineMark[],
  cutovers: readonly number[],
) {
  const all = [
    ...marks.map((mark) => ({ ...mark, colour: colours['--muted'], thick: 1.5, dash: [2, 3] })),
    ...cutovers.map((at) => ({ at, label: 'cutover', colour: colours['--ink'], thick: 2, dash: [] })),
  ].sort((a, b) => a.at - b.at)
  font(620, 12)
  let end = -Infinity
  for (const { at, label, colour, thick, dash } of all) {
    const left = x(at)
    if (left < 0) continue
    line(at, colour, thick, dash)
    const room = context.measureText(label).width
    // A label that would overlap the previous one is placed beside it, as long as it is still over its own line.
    const start = Math.max(end + 8, Math.min(Math.max(0, left - room / 2), width - room))
    if (start > left || start + room > width) continue
    context.fillStyle = colour
    context.fillText(label, start, HEAD / 2 - 2)
    end = start + room
  }
}
