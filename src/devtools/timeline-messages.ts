import type { RecordedLeg } from './leg-history.js'
import type { Arrival } from './recorder.js'
import {
  LANE,
  legAt,
  OWN,
  STREAM,
  STREAM_MIDDLE,
  topOf,
  type Lane,
  type Lanes,
  type TimelineSheet,
} from './timeline-sheet.js'

/** More than this many messages at once, after a silence, are shown as a number. */
const REPLAY = 3

/**
 * Draws each message on its leg, and below it in the one stream that the application saw, in the colour of that leg.
 */
export function paintMessages(
  sheet: TimelineSheet,
  legs: readonly RecordedLeg[],
  laneAt: Lanes,
  seen: readonly Arrival[],
): void {
  const spots = spotsOf(sheet, laneAt, seen)
  const touching = spots.filter(({ left }, index) => index > 0 && left - spots[index - 1]!.left < 3).length
  if (touching > Math.max(8, spots.length / 2)) paintColumns(sheet, spots)
  else paintDots(sheet, legs, spots)
}

export function paintLost({ context, colours, x }: TimelineSheet, lost: readonly number[]): void {
  context.strokeStyle = colours['--bad']
  context.lineWidth = 1.75
  const places = lost.map(x).filter((left) => left >= 4)
  const arm = Math.min(3, Math.max(1.5, apart(places) * 0.3))
  for (const left of places) {
    context.beginPath()
    context.moveTo(left - arm, STREAM_MIDDLE - arm)
    context.lineTo(left + arm, STREAM_MIDDLE + arm)
    context.moveTo(left - arm, STREAM_MIDDLE + arm)
    context.lineTo(left + arm, STREAM_MIDDLE - arm)
    context.stroke()
  }
}

/** Messages of one leg at one place, as far as an eye can tell. */
interface Spot extends Arrival {
  readonly left: number
  readonly lane: Lane
}

function spotsOf({ x }: TimelineSheet, laneAt: Lanes, seen: readonly Arrival[]): readonly Spot[] {
  const spots: Spot[] = []
  for (const arrival of seen) {
    const left = x(arrival.at)
    const before = spots.at(-1)
    if (before && before.leg === arrival.leg && left - before.left < 2) {
      before.delivered += arrival.delivered
      before.duplicates += arrival.duplicates
      before.held += arrival.held
    } else spots.push({ ...arrival, left, lane: laneAt(arrival.leg, arrival.at) })
  }
  return spots
}

/** The average distance from one place to the next. */
const apart = (places: readonly number[]) =>
  places.length < 2 ? Infinity : (places.at(-1)! - places[0]!) / (places.length - 1)

function paintDots(sheet: TimelineSheet, legs: readonly RecordedLeg[], spots: readonly Spot[]) {
  const { context, colours } = sheet
  const radius = Math.min(3.75, Math.max(1.6, apart(spots.map(({ left }) => left)) * 0.4))
  const numbers = numbersOf(sheet, spots, radius)
  const circle = (left: number, y: number, size: number) => {
    context.beginPath()
    context.arc(left, y, size, 0, 7)
  }
  for (const { at, left, leg, lane, delivered, duplicates, held } of spots) {
    const middle = topOf(lane) + LANE - 10
    const known = legAt(legs, leg, at)
    const active =
      known !== undefined &&
      known.serving !== null &&
      at >= known.serving &&
      (known.retired === null || at < known.retired)
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
    if (numbers.some(({ from, to }) => left > from - radius && left < to + radius)) continue
    circle(left, STREAM_MIDDLE, radius)
    context.fillStyle = colours[OWN[lane]]
    context.fill()
  }
  for (const { from, to, count, lane } of numbers) {
    context.beginPath()
    context.roundRect(from, STREAM_MIDDLE - 9, to - from, 18, 9)
    context.fillStyle = colours[OWN[lane]]
    context.fill()
    context.fillStyle = colours['--surface']
    context.fillText(String(count), from + 6, STREAM_MIDDLE + 1)
  }
}

/**
 * Where a number represents several messages at once. In a busy stream a handful at once is nothing special, so a
 * number needs free room before it.
 */
function numbersOf({ context, width, font }: TimelineSheet, spots: readonly Spot[], radius: number) {
  const numbers: { readonly from: number; readonly to: number; readonly count: number; readonly lane: Lane }[] = []
  let end = -Infinity
  font(650, 11)
  for (const { left, lane, delivered } of spots) {
    if (delivered === 0) continue
    const room = context.measureText(String(delivered)).width + 12
    const from = Math.min(Math.max(0, left - room / 2), width - room)
    const fits = delivered > REPLAY && from > end
    if (fits) numbers.push({ from, to: from + room, count: delivered, lane })
    end = Math.max(end, fits ? from + room : left + radius)
  }
  return numbers
}

/**
 * Draws too many messages for dots: columns whose height is the count, and a tick on the leg where some were dropped or
 * held.
 */
function paintColumns({ context, colours }: TimelineSheet, spots: readonly Spot[]) {
  const columns = new Map<number, { lane: Lane; count: number }>()
  let most = 1
  for (const { left, lane, delivered, duplicates, held } of spots) {
    const column = Math.floor(left / 3) * 3
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
