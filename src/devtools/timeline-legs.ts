import type { RecordedLeg } from './leg-history.js'
import { LANE, OWN, SOFT, topOf, type Lane, type Lanes, type TimelineSheet } from './timeline-sheet.js'

/**
 * Draws each leg: dashed while it is dialled, solid while it is active, soft while another one is, with its close code
 * at the end.
 */
export function paintLegs(sheet: TimelineSheet, legs: readonly RecordedLeg[], laneAt: Lanes, now: number): void {
  const laneOf = ({ number, dialled }: RecordedLeg) => laneAt(number, dialled)
  for (const leg of legs) {
    if (sheet.x(leg.closed ?? now) < 0) continue
    const lane = laneOf(leg)
    const next = legs.find((one) => one.dialled > leg.dialled && laneOf(one) === lane)
    paintLeg(sheet, leg, lane, now, next ? sheet.x(next.dialled) : sheet.width)
  }
}

/** The times at which one leg took over from another that was still open. */
export function cutoversOf(legs: readonly RecordedLeg[]): readonly number[] {
  return legs.flatMap(({ serving }) =>
    serving !== null && legs.some(({ retired }) => retired === serving) ? [serving] : [],
  )
}

/** @param room the x position at which the next leg of the lane begins */
function paintLeg(sheet: TimelineSheet, leg: RecordedLeg, lane: Lane, now: number, room: number) {
  const { context, colours, x, font } = sheet
  const own = colours[OWN[lane]]
  const end = x(leg.closed ?? now)
  const dialled = x(leg.dialled)
  const ready = leg.ready === null ? end : x(leg.ready)

  if (ready - dialled > 1) {
    context.setLineDash([3, 3])
    bar(sheet, lane, dialled, ready + (leg.ready === null ? 0 : 4), null, own)
    context.setLineDash([])
    font(600, 11)
    if (leg.ready !== null || leg.closed === null)
      write(sheet, 'dialling', Math.max(dialled, 0) + 8, ready - 6, middleOf(lane), own)
  }
  if (leg.ready !== null) {
    bar(sheet, lane, ready, end, colours[SOFT[lane]], own)
    const from = x(leg.serving ?? leg.ready)
    const to = x(leg.retired ?? leg.closed ?? now)
    if (leg.serving !== null) bar(sheet, lane, from, to, own, own)
    font(600, 12)
    write(
      sheet,
      leg.server,
      Math.max(from, 0) + 10,
      Math.min(to, end) - 8,
      topOf(lane) + 11,
      leg.serving === null ? colours['--ink'] : colours['--surface'],
    )
  }
  if (leg.closed !== null && leg.code !== null) {
    const colour = leg.code === 1000 ? own : colours['--bad']
    context.fillStyle = colour
    context.fillRect(end - 1.5, topOf(lane) - 2, 3, LANE + 4)
    font(600, 11)
    write(sheet, `closed ${leg.code}`, end + 6, room - 4, middleOf(lane), colour)
  }
}

const middleOf = (lane: Lane) => topOf(lane) + LANE / 2 + 1

function bar({ context }: TimelineSheet, lane: Lane, left: number, right: number, fill: string | null, stroke: string) {
  if (right < 0 || right - left < 0.5) return
  context.beginPath()
  context.roundRect(left + 0.75, topOf(lane) + 0.75, Math.max(1, right - left - 1.5), LANE - 1.5, 6)
  if (fill) {
    context.fillStyle = fill
    context.fill()
  }
  context.strokeStyle = stroke
  context.lineWidth = 1.5
  context.stroke()
}

/** Writes only if the whole text fits. */
function write({ context }: TimelineSheet, text: string, left: number, right: number, y: number, colour: string) {
  if (context.measureText(text).width > right - left) return
  context.fillStyle = colour
  context.fillText(text, left, y)
}
