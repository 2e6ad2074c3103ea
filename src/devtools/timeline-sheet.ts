import type { RecordedLeg } from './leg-history.js'
import { coloursOf, type TimelineColours } from './timeline-colours.js'

/** The surface for the parts of a timeline: scale, colours, places. */
export interface TimelineSheet {
  readonly context: CanvasRenderingContext2D
  readonly width: number
  readonly height: number
  readonly colours: TimelineColours
  /** Pixels from the left edge for a time. */
  x(at: number): number
  font(weight: number, size: number): void
  /** Draws a line over the whole height. */
  line(at: number, colour: string, width: number, dash?: readonly number[]): void
}

export type Lane = 0 | 1

/**
 * The lane in which a leg is drawn, by its number and a time at which it lived. Legs take the two lanes in turns. If a
 * dial in between has failed, the next leg takes the free lane.
 */
export type Lanes = (number: number, at: number) => Lane

export function lanesOf(legs: readonly RecordedLeg[]): Lanes {
  const lanes = new Map<RecordedLeg, Lane>()
  let open: RecordedLeg[] = []
  for (const leg of legs) {
    open = open.filter(({ closed }) => closed === null || closed > leg.dialled)
    const turn = turnOf(leg.number)
    lanes.set(leg, open.some((one) => lanes.get(one) === turn) ? other(turn) : turn)
    open.push(leg)
  }
  return (number, at) => lanes.get(legAt(legs, number, at)!) ?? turnOf(number)
}

/** The leg's number and a time are both needed, because a new session counts its legs from 1 again. */
export const legAt = (legs: readonly RecordedLeg[], number: number, at: number) =>
  legs.findLast((leg) => leg.number === number && leg.dialled <= at)

const turnOf = (number: number): Lane => (number % 2 === 1 ? 0 : 1)
const other = (lane: Lane): Lane => (lane === 0 ? 1 : 0)

export const OWN = ['--leg-a', '--leg-b'] as const
export const SOFT = ['--leg-a-soft', '--leg-b-soft'] as const

/** CSS pixels, from the top: labels, two lanes, the stream, the axis. */
export const HEAD = 22
export const LANE = 34
const GAP = 8
export const STREAM = 30
export const AXIS = 18
export const topOf = (lane: Lane) => HEAD + lane * (LANE + GAP)
export const STREAM_TOP = topOf(1) + LANE + 10
export const STREAM_MIDDLE = STREAM_TOP + STREAM / 2

/** The height of a timeline, in CSS pixels. */
export const TIMELINE_HEIGHT = STREAM_TOP + STREAM + AXIS

/** Clears the canvas and returns a sheet for it; null if the canvas is not shown, or nothing can be painted. */
export function createSheet(
  canvas: HTMLCanvasElement,
  { now, span }: { readonly now: number; readonly span: number },
): TimelineSheet | null {
  const width = canvas.clientWidth
  const height = canvas.clientHeight || TIMELINE_HEIGHT
  // The width is tested first: jsdom has no width and no context, and logs an error each time that it is asked for a
  // context.
  const context = width > 0 && canvas.getContext('2d')
  if (!context) return null
  const scale = globalThis.devicePixelRatio || 1
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
  }
  const style = getComputedStyle(canvas)
  const colours = coloursOf(canvas, style)
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  context.textBaseline = 'middle'

  const x = (at: number) => width - ((now - at) / span) * width
  return {
    context,
    width,
    height,
    colours,
    x,
    font: (weight, size) => void (context.font = `${weight} ${size}px ${style.fontFamily}`),
    line(at, colour, thick, dash = []) {
      context.strokeStyle = colour
      context.lineWidth = thick
      context.setLineDash([...dash])
      context.beginPath()
      context.moveTo(x(at), HEAD - 4)
      context.lineTo(x(at), STREAM_TOP + STREAM)
      context.stroke()
      context.setLineDash([])
    },
  }
}
