/** Charts as SVG text, without scripts, fonts or links. They follow the reader's light or dark setting. */

export interface Line {
  readonly name: string
  readonly values: ArrayLike<number>
}

export interface ChartOptions {
  readonly title: string
  /** What the y axis counts. */
  readonly unit: string
  readonly lines: readonly Line[]
  /** Seconds between two values. */
  readonly step: number
  /** A dashed horizontal line, with its name. */
  readonly limit?: { readonly name: string; readonly value: number }
  readonly log?: boolean
  readonly percent?: boolean
}

const WIDTH = 760
const HEIGHT = 350
const LEFT = 64
const RIGHT = 16
const TOP = 88
const BOTTOM = 40
const INNER = WIDTH - LEFT - RIGHT
const TALL = HEIGHT - TOP - BOTTOM
const MOST_POINTS = 600

const STYLE = `<style>
  svg{background:#fff;font:12px system-ui,sans-serif;--ink:#1f2328;--soft:#59636e;--grid:#d9dee3;--c0:#0969da;--c1:#bc4c00;--c2:#8250df;--c3:#1a7f37;--c4:#bf3989;--c5:#9a6700;--c6:#57606a;--limit:#cf222e}
  @media (prefers-color-scheme:dark){svg{background:#0d1117;--ink:#e6edf3;--soft:#9198a1;--grid:#30363d;--c0:#58a6ff;--c1:#f0883e;--c2:#bc8cff;--c3:#3fb950;--c4:#f778ba;--c5:#d29922;--c6:#8b949e;--limit:#ff7b72}}
  .title{font-size:15px;font-weight:600;fill:var(--ink)} text{fill:var(--soft)} .grid{stroke:var(--grid);stroke-width:1} path{fill:none;stroke-width:1.6;stroke-linejoin:round} .ours{stroke-width:2.8} .limit{stroke:var(--limit);stroke-dasharray:6 4;stroke-width:1.5} .limit-name{fill:var(--limit)} .value{fill:var(--ink)}
</style>`

export const escapeText = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
const round = (value: number) => Math.round(value * 10) / 10

function short(value: number, percent: boolean): string {
  if (percent) return `${round(value * 100)} %`
  if (value >= 1e6) return `${round(value / 1e6)}M`
  if (value >= 1e3) return `${round(value / 1e3)}k`
  return String(round(value))
}

/** A drawing of this height, under its title. */
export function frame(title: string, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}">${STYLE}<text class="title" x="12" y="22">${escapeText(title)}</text>${body}</svg>\n`
}

/** A step of 1, 2 or 5 times a power of ten, so that an axis has about `parts` of them. */
function niceStep(span: number, parts: number): number {
  const rough = span / parts
  const power = 10 ** Math.floor(Math.log10(rough))
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? rough
}

export function lineChart({ title, unit, lines, step, limit, log = false, percent = false }: ChartOptions): string {
  const length = Math.max(...lines.map((line) => line.values.length))
  const most = Math.max(...lines.map((line) => highest(line.values)), limit?.value ?? 0, percent ? 1 : 1e-9)
  const top = log ? 10 ** Math.ceil(Math.log10(most)) : percent ? 1 : most * 1.05
  // Three to four decades show everything from the mean to the highest peak.
  const bottom = log ? Math.max(1, top / 1e4) : 0
  const x = (index: number) => LEFT + (index / Math.max(1, length - 1)) * INNER
  const y = (value: number) => {
    const share = log ? Math.log(Math.max(value, bottom) / bottom) / Math.log(top / bottom) : value / top
    return TOP + TALL - Math.min(1, share) * TALL
  }
  const parts: string[] = []
  const ticks: number[] = []
  if (log) for (let tick = bottom; tick <= top * 1.001; tick *= 10) ticks.push(tick)
  else for (let tick = 0, by = niceStep(top, 5); tick <= top; tick += by) ticks.push(tick)
  for (const tick of ticks) {
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(tick))}" y2="${round(y(tick))}"/><text x="${LEFT - 8}" y="${round(y(tick)) + 4}" text-anchor="end">${short(tick, percent)}</text>`,
    )
  }
  const seconds = length * step
  const inMinutes = seconds > 300
  const by = inMinutes ? niceStep(seconds / 60, 8) * 60 : niceStep(seconds, 8)
  for (let time = 0; time <= seconds; time += by) {
    parts.push(
      `<text x="${round(x(time / step))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${round(inMinutes ? time / 60 : time)}</text>`,
    )
  }
  parts.push(
    `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${inMinutes ? 'minutes' : 'seconds'}</text><text x="${LEFT}" y="${TOP - 8}">${escapeText(unit)}${log ? ' (each line is ten times the one below)' : ''}</text>`,
  )
  let [legend, row] = [12, 41]
  lines.forEach((line, i) => {
    const wide = 36 + line.name.length * 6.8
    if (legend + wide > WIDTH) [legend, row] = [12, row + 18]
    parts.push(
      `<line x1="${round(legend)}" x2="${round(legend + 16)}" y1="${row - 4}" y2="${row - 4}" stroke="var(--c${i % 7})" stroke-width="3"/><text class="value" x="${round(legend + 21)}" y="${row}">${escapeText(line.name)}</text>`,
    )
    legend += wide
  })
  // LiveSocket's line is drawn last, over the others.
  const drawn = lines.map((line, i) => {
    const points = thinned(line.values).map(
      ([index, value], at) => `${at === 0 ? 'M' : 'L'}${round(x(index))} ${round(y(value))}`,
    )
    return `<path${i === 0 ? ' class="ours"' : ''} stroke="var(--c${i % 7})" d="${points.join('')}"/>`
  })
  parts.push(...drawn.reverse())
  if (limit) {
    const at = round(y(limit.value))
    parts.push(
      `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text class="limit-name" x="${WIDTH - RIGHT}" y="${at - 5}" text-anchor="end">${escapeText(limit.name)}</text>`,
    )
  }
  return frame(title, HEIGHT, parts.join(''))
}

export interface Bar {
  readonly name: string
  /** null: not within the run. */
  readonly value: number | null
  readonly label: string
}

export interface BarGroup {
  readonly name: string
  readonly bars: readonly Bar[]
}

const BAR_LEFT = 200
const BAR_STEP = 28

/** Rows of bars below `top`. The longest bar takes the whole width. */
function barRows(bars: readonly Bar[], top: number): string {
  const most = Math.max(...bars.map((bar) => bar.value ?? 0), 1e-9)
  const wide = WIDTH - BAR_LEFT - 110
  const rows = bars.map((bar, i) => {
    const y = top + i * BAR_STEP
    const width = bar.value === null ? wide : Math.max(1, (bar.value / most) * wide)
    return `<text class="value" x="${BAR_LEFT - 10}" y="${y + 13}" text-anchor="end">${escapeText(bar.name)}</text><rect x="${BAR_LEFT}" y="${y}" width="${round(width)}" height="18" rx="3" fill="var(--c${i % 7})"${bar.value === null ? ' opacity="0.35"' : ''}/><text class="value" x="${round(BAR_LEFT + width + 8)}" y="${y + 13}">${escapeText(bar.label)}</text>`
  })
  return rows.join('')
}

export function barChart(title: string, bars: readonly Bar[]): string {
  return frame(title, 56 + bars.length * BAR_STEP, barRows(bars, 44))
}

/** Several bar charts, one below the other, each with its own scale. */
export function barCharts(title: string, groups: readonly BarGroup[]): string {
  const parts: string[] = []
  let y = 44
  for (const { name, bars } of groups) {
    parts.push(`<text x="12" y="${y + 12}">${escapeText(name)}</text>`, barRows(bars, y + 24))
    y += 24 + bars.length * BAR_STEP + 16
  }
  return frame(title, y, parts.join(''))
}

function highest(values: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!)
  return most
}

/**
 * Reduces the values to as many points as a chart can show. Of several values at the same place the highest is kept,
 * since readers look for the peak.
 */
function thinned(values: ArrayLike<number>): [number, number][] {
  const group = Math.max(1, Math.ceil(values.length / MOST_POINTS))
  const points: [number, number][] = []
  for (let i = 0; i < values.length; i += group) {
    let at = i
    for (let j = i; j < Math.min(i + group, values.length); j++) if (values[j]! > values[at]!) at = j
    points.push([at, values[at]!])
  }
  return points
}
