import { escapeText, frame } from './chart.js'

export interface Grid {
  readonly name: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  readonly cells: readonly {
    readonly row: string
    readonly column: string
    readonly label: string
    /** The value that determines the colour. null: worse than any value. */
    readonly value: number | null
  }[]
}

export interface GridChartOptions {
  readonly title: string
  readonly subtitle: string
  /** The upper bound of each colour, the best first. Values above the last bound have the colour for the worst. */
  readonly steps: readonly [number, number, number]
  readonly stepName: string
  readonly grids: readonly Grid[]
}

const LEFT = 170
const CELL = { wide: 112, high: 24 }
const COLOURS = ['#1a7f37', '#9a6700', '#bc4c00', '#cf222e']

/** Tables of coloured cells, one below the other. */
export function gridChart({ title, subtitle, steps, stepName, grids }: GridChartOptions): string {
  const colour = (value: number | null) => {
    const at = steps.findIndex((step) => value !== null && value <= step)
    return COLOURS[at === -1 ? steps.length : at]!
  }
  const parts = [`<text x="12" y="42">${escapeText(subtitle)}</text>`, legend(steps, stepName)]
  let y = 92
  for (const { name, rows, columns, cells } of grids) {
    parts.push(`<text class="value" x="12" y="${y}">${escapeText(name)}</text>`)
    y += 18
    columns.forEach((column, at) => {
      parts.push(text(LEFT + (at + 0.5) * CELL.wide, y, column, 'middle'))
    })
    y += 6
    for (const row of rows) {
      parts.push(text(LEFT - 10, y + 16, row, 'end'))
      for (const one of cells.filter((cell) => cell.row === row)) {
        const x = LEFT + columns.indexOf(one.column) * CELL.wide
        parts.push(
          `<rect x="${x + 1}" y="${y + 1}" width="${CELL.wide - 2}" height="${CELL.high - 2}" rx="3" fill="${colour(one.value)}"/><text x="${x + CELL.wide / 2}" y="${y + 16}" text-anchor="middle" style="fill:#fff">${escapeText(one.label)}</text>`,
        )
      }
      y += CELL.high
    }
    y += 30
  }
  return frame(title, y, parts.join(''))
}

function legend(steps: readonly number[], name: string): string {
  const names = [...steps.map((step) => `up to ${step}`), `above ${steps.at(-1)} ${name}`]
  let x = 12
  return names
    .map((label, at) => {
      const drawn = `<rect x="${x}" y="54" width="14" height="14" rx="3" fill="${COLOURS[at]}"/><text x="${x + 20}" y="66">${escapeText(label)}</text>`
      x += 40 + label.length * 7
      return drawn
    })
    .join('')
}

function text(x: number, y: number, content: string, anchor: 'middle' | 'end'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeText(content)}</text>`
}
