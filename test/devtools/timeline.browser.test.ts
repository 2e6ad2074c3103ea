import { afterEach, describe, expect, it } from 'vitest'
import type { RecordedLeg } from '../../src/devtools/leg-history.js'
import { paintTimeline, type TimelinePicture } from '../../src/devtools/timeline.js'
import { TIMELINE_HEIGHT } from '../../src/devtools/timeline-sheet.js'

const COLOURS = {
  '--leg-a': '#00ff00',
  '--leg-a-soft': '#008800',
  '--leg-b': '#0000ff',
  '--leg-b-soft': '#000088',
  '--bad': '#ff0000',
  '--surface': '#ffffff',
  '--ink': '#010101',
  '--line': '#eeeeee',
  '--muted': '#777777',
}
const WIDTH = 1_000
const SPAN = 10_000

function leg(number: number, times: Partial<RecordedLeg>): RecordedLeg {
  return {
    number,
    dialled: 0,
    opened: null,
    ready: null,
    serving: null,
    retired: null,
    closed: null,
    server: '',
    url: '',
    code: null,
    by: null,
    delivered: 0,
    duplicates: 0,
    held: 0,
    ...times,
  }
}

/** Paints, and returns what is visible at a time and a height: the name of a colour of the palette, or nothing. */
function paint(picture: Partial<TimelinePicture>) {
  const canvas = document.body.appendChild(document.createElement('canvas'))
  Object.assign(canvas.style, { width: `${WIDTH}px`, height: `${TIMELINE_HEIGHT}px`, display: 'block' })
  for (const [name, value] of Object.entries(COLOURS)) canvas.style.setProperty(name, value)
  paintTimeline(canvas, { now: SPAN, span: SPAN, legs: [], arrivals: [], ...picture })
  const scale = canvas.width / WIDTH
  const context = canvas.getContext('2d')!
  return (at: number, y: number) => {
    const [red, green, blue, alpha] = context.getImageData(
      Math.round((at / SPAN) * WIDTH * scale),
      Math.round(y * scale),
      1,
      1,
    ).data
    if (alpha! < 16) return null
    const seen = [red!, green!, blue!]
    // A canvas rounds the colours that it blends.
    const near = (value: string) =>
      value
        .slice(1)
        .match(/../g)!
        .every((pair, index) => Math.abs(parseInt(pair, 16) - seen[index]!) <= 4)
    return Object.entries(COLOURS).find(([, value]) => near(value))?.[0] ?? String(seen)
  }
}

afterEach(() => document.body.replaceChildren())

/** The positions of the lanes and the stream, in CSS pixels. */
const LANE_A = 30
const LANE_B = 72
const ON_LANE_A = 46
const STREAM = TIMELINE_HEIGHT - 18 - 15

describe('the timeline', () => {
  const legs = [
    leg(1, { dialled: 0, ready: 500, serving: 500, retired: 4_250, closed: 5_250, code: 1000 }),
    leg(2, { dialled: 3_250, ready: 3_750, serving: 4_250 }),
  ]

  it('shows each leg in a lane and a colour of its own: full while it is active, soft while the other leg is', () => {
    const at = paint({ legs })
    expect([at(2_250, LANE_A), at(4_750, LANE_A), at(6_250, LANE_A)]).toEqual(['--leg-a', '--leg-a-soft', null])
    expect([at(2_250, LANE_B), at(3_450, LANE_B), at(4_050, LANE_B), at(6_250, LANE_B), at(9_950, LANE_B)]).toEqual([
      null,
      null,
      '--leg-b-soft',
      '--leg-b',
      '--leg-b',
    ])
  })

  it('marks the cutover from the lanes to the stream, and an abnormal end in red', () => {
    expect(paint({ legs })(4_250, STREAM)).toBe('--ink')
    const at = paint({ legs: [leg(1, { ready: 500, serving: 500, closed: 6_250, code: 1006 })] })
    expect([at(6_250, LANE_A), at(6_450, LANE_A)]).toEqual(['--bad', null])
  })

  it('shows every message in the stream, in the colour of the leg that brought it, and a cross for one that was lost', () => {
    const at = paint({
      legs,
      arrivals: [
        { at: 2_250, leg: 1, delivered: 1, duplicates: 0, held: 0 },
        { at: 4_750, leg: 1, delivered: 0, duplicates: 1, held: 0 },
        { at: 6_250, leg: 2, delivered: 1, duplicates: 0, held: 0 },
      ],
      lost: [8_250],
    })
    expect([at(2_250, STREAM), at(4_750, STREAM), at(6_250, STREAM), at(8_250, STREAM)]).toEqual([
      '--leg-a',
      '--line',
      '--leg-b',
      '--bad',
    ])
  })

  it('shows a replay as a number after the silence that it ends, and no number in a busy stream', () => {
    const one = (at: number, delivered = 1) => ({ at, leg: 1, delivered, duplicates: 0, held: 0 })
    const lively = Array.from({ length: 30 }, (_, index) => one(50 + index * 100, index === 20 ? 5 : 1))
    const at = paint({
      legs: [leg(1, { ready: 0, serving: 0 })],
      arrivals: [...lively, one(5_150, 12), one(5_200), ...Array.from({ length: 9 }, (_, index) => one(7_150 + index))],
    })
    // A number is taller than a dot.
    const tall = (moment: number) => at(moment, STREAM - 7)
    expect([tall(2_050), tall(5_080), tall(5_200), tall(7_150)]).toEqual([null, '--leg-a', '--leg-a', '--leg-a'])
  })

  it('shows messages of a leg of a later session, which counts its legs from 1 again', () => {
    const at = paint({
      legs: [
        leg(1, { ready: 0, serving: 0, retired: 1_000, closed: 1_500, code: 1000 }),
        leg(2, { dialled: 500, ready: 1_000, serving: 1_000, closed: 3_000, code: 1000 }),
        leg(1, { dialled: 4_000, ready: 4_500, serving: 4_500 }),
      ],
      arrivals: [{ at: 6_250, leg: 1, delivered: 1, duplicates: 0, held: 0 }],
    })
    expect([at(6_250, LANE_A), at(6_250, ON_LANE_A)]).toEqual(['--leg-a', '--surface'])
  })

  it('shows a dial beside the active leg, never on it, even after a failed dial', () => {
    const at = paint({
      legs: [
        leg(1, { ready: 0, serving: 0, retired: 4_250, closed: 5_250, code: 1000 }),
        leg(2, { dialled: 1_000, closed: 2_000, code: 1006 }),
        leg(3, { dialled: 3_000, ready: 4_000, serving: 4_250, retired: 8_250 }),
        leg(4, { dialled: 6_000, ready: 7_000, serving: 8_250 }),
      ],
      arrivals: [{ at: 9_250, leg: 4, delivered: 1, duplicates: 0, held: 0 }],
    })
    const lanes = (moment: number) => [at(moment, LANE_A), at(moment, LANE_B)]
    expect([lanes(3_500), lanes(4_750), lanes(5_750), lanes(8_750)]).toEqual([
      ['--leg-a', null],
      ['--leg-a-soft', '--leg-b'],
      [null, '--leg-b'],
      ['--leg-a', '--leg-b-soft'],
    ])
    expect([at(9_250, ON_LANE_A), at(9_250, STREAM)]).toEqual(['--surface', '--leg-a'])
  })

  it('labels handovers if there is room, side by side', () => {
    const named = (marks: TimelinePicture['marks']) => {
      const at = paint({ legs, marks })
      const row = Array.from({ length: 900 }, (_, index) => at(index * 10, 9))
      return (colour: string) => row.flatMap((seen, index) => (seen === colour ? [index] : []))
    }
    const alone = named([])
    expect(alone('--ink')[0]).toBeGreaterThan(390)
    expect(alone('--ink')[0]).toBeLessThan(425)
    const pushed = named([{ at: 3_900, label: 'deploy' }])
    expect(pushed('--muted').at(-1)).toBeLessThan(pushed('--ink')[0]!)
    // A label that would be away from its line is left out.
    expect(named([{ at: 4_100, label: 'a long name of what happened' }])('--ink')).toEqual([])
  })

  it('shows thousands of messages as columns, and nothing older than its span', () => {
    const arrivals = Array.from({ length: 2_000 }, (_, index) => ({
      at: 5_000 + index * 2.5,
      leg: 2,
      delivered: 20,
      duplicates: 0,
      held: 0,
    }))
    const at = paint({ legs, arrivals: [{ at: -500, leg: 1, delivered: 1, duplicates: 0, held: 0 }, ...arrivals] })
    const columns = Array.from({ length: 60 }, (_, index) => at(6_000 + index * 10, STREAM))
    expect(columns.filter((colour) => colour === '--leg-b').length).toBeGreaterThan(30)
    expect(at(2_250, STREAM)).toBe('--line')
  })

  it('uses the present colours of the page, light or dark', () => {
    const canvas = document.body.appendChild(document.createElement('canvas'))
    canvas.style.cssText = `width: 100px; height: ${TIMELINE_HEIGHT}px; display: block; --leg-a: light-dark(#00ff00, #ff00ff)`
    const seen = (['light', 'dark', 'light'] as const).map((theme) => {
      document.documentElement.style.colorScheme = theme
      paintTimeline(canvas, { now: 100, span: 100, legs: [leg(1, { ready: 0, serving: 0 })], arrivals: [] })
      return [
        ...canvas.getContext('2d')!.getImageData(canvas.width / 2, (LANE_A / TIMELINE_HEIGHT) * canvas.height, 1, 1)
          .data,
      ]
    })
    document.documentElement.style.colorScheme = ''
    expect(seen).toEqual([
      [0, 255, 0, 255],
      [255, 0, 255, 255],
      [0, 255, 0, 255],
    ])
    expect(canvas.style.color).toBe('')
  })

  it('paints nothing while it is hidden', () => {
    const canvas = document.createElement('canvas')
    expect(() => paintTimeline(canvas, { now: 0, span: SPAN, legs, arrivals: [] })).not.toThrow()
  })
})
