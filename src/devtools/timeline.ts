import type { RecordedLeg } from './leg-history.js'
import type { Arrival } from './recorder.js'

/** A moment that has a name, over the whole height. */
export interface TimelineMark {
  readonly at: number
  readonly label: string
}

/** All times in ms on one scale. */
export interface TimelinePicture {
  /** The right edge, and how much of the past is seen. */
  readonly now: number
  readonly span: number
  readonly legs: readonly RecordedLeg[]
  readonly arrivals: readonly Arrival[]
  readonly marks?: readonly TimelineMark[]
  /** When messages were sent that never came. */
  readonly lost?: readonly number[]
  /** Without names on it: for a narrow place. */
  readonly plain?: boolean
}

/** Custom properties of the canvas that it is painted with, and what they are where nobody sets them. */
const PALETTE = {
  '--leg-a': '#0b7a70',
  '--leg-a-soft': '#cfe9e4',
  '--leg-b': '#4a48c8',
  '--leg-b-soft': '#dddcf8',
  '--ink': '#16181d',
  '--muted': '#5d6470',
  '--line': '#e2e4e8',
  '--surface': '#ffffff',
  '--bad': '#b92318',
}

const HEAD = 22
const LANE = 34
const GAP = 8
const STREAM = 30
const AXIS = 18

/** What the canvas needs in height, in CSS pixels. */
export const TIMELINE_HEIGHT = HEAD + 2 * LANE + GAP + 10 + STREAM + AXIS

/**
 * Paints legs as two lanes, which they take in turns so that an overlap is seen as one, what each of them brought, and below them
 * the one stream that the application saw, in the colour of the leg that brought it.
 */
export function paintTimeline(canvas: HTMLCanvasElement, { now, span, legs, arrivals, marks = [], lost = [], plain = false }: TimelinePicture): void {
  const width = canvas.clientWidth
  const height = canvas.clientHeight || TIMELINE_HEIGHT
  const drawing = canvas.getContext('2d')
  if (!drawing || width === 0) return
  const context: CanvasRenderingContext2D = drawing
  const scale = globalThis.devicePixelRatio || 1
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
  }
  const style = getComputedStyle(canvas)
  const colour = (name: keyof typeof PALETTE) => style.getPropertyValue(name).trim() || PALETTE[name]
  const [ink, muted, line, surface, bad] = (['--ink', '--muted', '--line', '--surface', '--bad'] as const).map(colour) as [string, string, string, string, string]
  const own = { 0: colour('--leg-a'), 1: colour('--leg-b') }
  const soft = { 0: colour('--leg-a-soft'), 1: colour('--leg-b-soft') }
  const laneOf = (leg: number) => ((leg + 1) % 2) as 0 | 1
  const font = (weight: number, size: number) => void (context.font = `${weight} ${size}px ${style.fontFamily}`)

  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  context.textBaseline = 'middle'
  const x = (at: number) => width - ((now - at) / span) * width
  const top = (lane: 0 | 1) => HEAD + lane * (LANE + GAP)
  const lanesEnd = HEAD + 2 * LANE + GAP
  const streamTop = lanesEnd + 10
  const streamMiddle = streamTop + STREAM / 2

  const step = span <= 12_000 ? 1_000 : span <= 30_000 ? 5_000 : 10_000
  font(450, 11)
  for (let at = Math.ceil((now - span) / step) * step; at <= now; at += step) {
    const left = Math.round(x(at)) + 0.5
    context.strokeStyle = line
    context.lineWidth = 1
    context.beginPath()
    context.moveTo(left, HEAD - 4)
    context.lineTo(left, streamTop + STREAM)
    context.stroke()
    if (at < 0) continue
    const label = `${Math.round(at / 1_000)} s`
    const room = context.measureText(label).width
    context.fillStyle = muted
    if (left - room / 2 > 0 && left + room / 2 < width) context.fillText(label, left - room / 2, height - AXIS / 2 + 2)
  }

  context.fillStyle = line
  context.fillRect(0, streamMiddle - 0.5, width, 1)

  const bar = (left: number, right: number, lane: 0 | 1, fill: string | null, stroke: string | null, inset = 0) => {
    if (right < 0 || right - left < 0.5) return
    context.beginPath()
    context.roundRect(left + 0.75, top(lane) + 0.75 + inset, Math.max(1, right - left - 1.5), LANE - 1.5 - 2 * inset, 6)
    if (fill) {
      context.fillStyle = fill
      context.fill()
    }
    if (stroke) {
      context.strokeStyle = stroke
      context.lineWidth = 1.5
      context.stroke()
    }
  }

  for (const leg of legs) {
    const end = x(leg.closed ?? now)
    if (end < 0) continue
    const lane = laneOf(leg.number)
    const readyAt = leg.ready === null ? end : x(leg.ready)
    const dialled = x(leg.dialled)
    if (readyAt - dialled > 1) {
      context.setLineDash([3, 3])
      bar(dialled, readyAt + (leg.ready === null ? 0 : 4), lane, null, own[lane])
      context.setLineDash([])
    }
    if (leg.ready !== null) {
      bar(readyAt, end, lane, soft[lane], own[lane])
      const from = x(leg.serving ?? leg.ready)
      const to = x(leg.retired ?? leg.closed ?? now)
      if (leg.serving !== null) bar(from, to, lane, own[lane], own[lane])
      if (!plain) {
        font(600, 12)
        const left = Math.max(from, 0) + 10
        const name = leg.server
        if (Math.min(to, end) - left > context.measureText(name).width + 8) {
          context.fillStyle = leg.serving === null ? ink : surface
          context.fillText(name, left, top(lane) + 11)
        }
      }
    }
    font(600, 11)
    const dialling = leg.ready === null && leg.closed === null ? 'dialling' : leg.ready === null ? '' : 'dialling'
    if (!plain && dialling && readyAt - dialled > context.measureText(dialling).width + 14) {
      context.fillStyle = own[lane]
      context.fillText(dialling, Math.max(dialled, 0) + 8, top(lane) + LANE / 2 + 1)
    }
    if (leg.closed !== null && leg.code !== null) {
      const harsh = leg.code !== 1000
      context.fillStyle = harsh ? bad : own[lane]
      context.fillRect(end - 1.5, top(lane) - 2, 3, LANE + 4)
      if (!plain) {
        font(600, 11)
        const said = `closed ${leg.code}`
        if (end + 6 + context.measureText(said).width < width) context.fillText(said, end + 6, top(lane) + LANE / 2 + 1)
      }
    }
  }

  // Cutovers: from the leg that was left to the one that serves.
  for (const leg of legs) {
    if (leg.serving === null) continue
    const before = legs.find((one) => one !== leg && one.retired !== null && one.retired === leg.serving)
    if (!before) continue
    const at = x(leg.serving)
    if (at < 0) continue
    context.strokeStyle = ink
    context.lineWidth = 2
    context.beginPath()
    context.moveTo(at, HEAD - 4)
    context.lineTo(at, streamTop + STREAM)
    context.stroke()
    if (!plain) {
      font(650, 12)
      const label = 'cutover'
      const room = context.measureText(label).width
      const left = Math.min(Math.max(0, at - room / 2), width - room)
      context.fillStyle = surface
      context.fillRect(left - 4, 0, room + 8, HEAD - 5)
      context.fillStyle = ink
      context.fillText(label, left, HEAD / 2 - 2)
    }
  }

  font(600, 12)
  let labelEnd = -Infinity
  for (const { at, label } of marks) {
    const left = x(at)
    if (left < 0) continue
    context.strokeStyle = muted
    context.lineWidth = 1.5
    context.setLineDash([2, 3])
    context.beginPath()
    context.moveTo(left, HEAD - 4)
    context.lineTo(left, streamTop + STREAM)
    context.stroke()
    context.setLineDash([])
    const room = context.measureText(label).width
    const start = Math.min(Math.max(0, left - room / 2), width - room)
    if (start < labelEnd + 8) continue
    context.fillStyle = muted
    context.fillText(label, start, HEAD / 2 - 2)
    labelEnd = start + room
  }

  const seen = arrivals.filter(({ at }) => at >= now - span && at <= now)
  const messages = seen.reduce((sum, { delivered }) => sum + delivered, 0)
  const dense = seen.length > width / 4 || messages > 6 * seen.length
  if (dense) paintDensity()
  else paintDots()

  font(700, 11)
  for (const at of lost) {
    const left = x(at)
    if (left < 4) continue
    context.strokeStyle = bad
    context.lineWidth = 1.75
    context.beginPath()
    context.moveTo(left - 3, streamMiddle - 3)
    context.lineTo(left + 3, streamMiddle + 3)
    context.moveTo(left - 3, streamMiddle + 3)
    context.lineTo(left + 3, streamMiddle - 3)
    context.stroke()
  }

  function paintDots() {
    const radius = Math.min(3.75, Math.max(1.6, (width / Math.max(1, seen.length)) * 0.4))
    const small = radius * 0.75
    const replays: { left: number; lane: 0 | 1; delivered: number }[] = []
    for (const { at, leg, delivered, duplicates, held } of seen) {
      const lane = laneOf(leg)
      const left = x(at)
      const known = legs.find(({ number }) => number === leg)
      const dark = known !== undefined && known.serving !== null && at >= known.serving && (known.retired === null || at < known.retired)
      const middle = top(lane) + LANE - 10
      if (duplicates > 0 || held > 0) {
        context.beginPath()
        context.arc(left, middle, small, 0, 7)
        context.strokeStyle = dark ? surface : own[lane]
        context.lineWidth = 1.4
        context.stroke()
      }
      if (delivered > 0) {
        context.beginPath()
        context.arc(left, middle, small, 0, 7)
        context.fillStyle = dark ? surface : own[lane]
        context.fill()
        if (delivered > 3) {
          replays.push({ left, lane, delivered })
          continue
        }
        context.beginPath()
        context.arc(left, streamMiddle, radius, 0, 7)
        context.fillStyle = own[lane]
        context.fill()
      }
    }
    // So many at once; over the dots beside them.
    font(650, 11)
    for (const { left, lane, delivered } of replays) {
      const room = context.measureText(String(delivered)).width + 12
      const start = Math.min(Math.max(0, left - room / 2), width - room)
      context.beginPath()
      context.roundRect(start, streamMiddle - 9, room, 18, 9)
      context.fillStyle = own[lane]
      context.fill()
      context.strokeStyle = surface
      context.lineWidth = 2
      context.stroke()
      context.fillStyle = surface
      context.fillText(String(delivered), start + 6, streamMiddle + 1)
    }
  }

  /** Too many for dots: columns, as tall as there are messages in them, and a tick on the leg where some were dropped or held. */
  function paintDensity() {
    const columns = new Map<number, { lane: 0 | 1; count: number }>()
    let most = 1
    for (const { at, leg, delivered, duplicates, held } of seen) {
      const column = Math.floor(x(at) / 3) * 3
      const lane = laneOf(leg)
      if (duplicates + held > 0) {
        context.fillStyle = own[lane]
        context.fillRect(column, top(lane) + LANE - 1, 2, 4)
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
      context.fillStyle = own[lane]
      context.fillRect(column, streamMiddle - tall / 2, 2, tall)
    }
  }
}
