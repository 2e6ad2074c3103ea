import type { RecordedLeg } from './leg-history.js'
import type { Arrival } from './recorder.js'
import { LANE, laneOf, OWN, STREAM, STREAM_MIDDLE, topOf, type Lane, type TimelineSheet } from './timeline-sheet.js'

/** So many at once are a number. */
const REPLAY = 3

/** On its leg, and below in the one stream that the application saw, in the colour of that leg. */
export function paintMessages(sheet: TimelineSheet, legs: readonly RecordedLeg[], seen: readonly Arrival[]): void {
  const messages = seen.reduce((sum, { delivered }) => sum + delivered, 0)
  if (seen.length > sheet.width / 4 || messages > 6 * seen.length) paintColumns(sheet, seen)
  else paintDots(sheet, legs, seen)
}

export function paintLost({ context, colours, x }: TimelineSheet, lost: readonly number[]): void {
  context.strokeStyle = colours['--bad']
  context.lineWidth = 1.75
  for (const at of lost) {
    const left = x(at)
    if (left < 4) continue
    context.beginPath()
    context.moveTo(left - 3, STREAM_MIDDLE - 3)
    context.lineTo(left + 3, STREAM_MIDDLE + 3)
    context.moveTo(left - 3, STREAM_MIDDLE + 3)
    context.lineTo(left + 3, STREAM_MIDDLE - 3)
    context.stroke()
  }
}

function paintDots(sheet: TimelineSheet, legs: readonly RecordedLeg[], seen: readonly Arrival[]) {
  const { context, width, colours, x, font } = sheet
  const radius = Math.min(3.75, Math.max(1.6, (width / Math.max(1, seen.length)) * 0.4))
  const circle = (left: number, y: number, size: number) => {
    context.beginPath()
    context.arc(left, y, size, 0, 7)
  }
  for (const { at, leg, delivered, duplicates, held } of seen) {
    const lane = laneOf(leg)
    const left = x(at)
    const middle = topOf(lane) + LANE - 10
    const known = legs.find(({ number }) => number === leg)
    const active = known !== undefined && known.serving !== null && at >= known.serving && (known.retired === null || at < known.retired)
    const onLeg = active ? colours['--surface'] : colours[OWN[lane]]
    if (duplicates > 0 || held > 0) {
      circle(left, middle, radius * 0.75)
      context.strokeStyle = onLeg
      context.lineWidth = 1.4
      context.stroke()
    }
    if (delivered === 0) continue
    circle(left, middle, radius * 0.75)
    context.fillStyle = onLeg
    context.fill()
    if (delivered > REPLAY) continue
    circle(left, STREAM_MIDDLE, radius)
    context.fillStyle = colours[OWN[lane]]
    context.fill()
  }
  // Over the dots beside them.
  font(650, 11)
  for (const { at, leg, delivered } of seen) {
    if (delivered <= REPLAY) continue
    const room = context.measureText(String(delivered)).width + 12
    const start = Math.min(Math.max(0, x(at) - room / 2), width - room)
    context.beginPath()
    context.roundRect(start, STREAM_MIDDLE - 9, room, 18, 9)
    context.fillStyle = colours[OWN[laneOf(leg)]]
    context.fill()
    context.strokeStyle = context.fillStyle = colours['--surface']
    context.lineWidth = 2
    context.stroke()
    context.fillText(String(delivered), start + 6, STREAM_MIDDLE + 1)
  }
}

/** Too many for dots: columns, the taller the more, and a tick on the leg where some were dropped or held. */
function paintColumns({ context, colours, x }: TimelineSheet, seen: readonly Arrival[]) {
  const columns = new Map<number, { lane: Lane; count: number }>()
  let most = 1
  for (const { at, leg, delivered, duplicates, held } of seen) {
    const column = Math.floor(x(at) / 3) * 3
    const lane = laneOf(leg)
    if (duplicates + held > 0) {
      context.fillStyle = colours[OWN[lane]]
      context.fillRect(column, topOf(lane) + LANE - 1, 2, 4)
    }
    const there = columns.get(column) ?? { lane, count: 0 }
    there.count += delivered
    there.lane = lane
    columns.set(column, there)
    most = Math.max(most, there.count)
  }
  for (const [column, { lane, count }] of columns) {
    if (count === 0) continue
    const tall = 4 + Math.sqrt(count / most) * (STREAM - 10)
    context.fillStyle = colours[OWN[lane]]
    context.fillRect(column, STREAM_MIDDLE - tall / 2, 2, tall)
  }
}
