export type Row = readonly string[]

/** Text in columns: the first one aligned left, the others right. */
export function table(head: Row, rows: readonly Row[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: Row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

export function ms(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value)} ms`
}

/** A list of promises, each printed as kept or broken. */
export interface Promises {
  check(promise: string, kept: boolean, found: string): void
  readonly broken: number
  lines(): string
}

export function createPromises(): Promises {
  const checked: { promise: string; kept: boolean; found: string }[] = []
  return {
    check: (promise, kept, found) => void checked.push({ promise, kept, found }),
    get broken() {
      return checked.filter(({ kept }) => !kept).length
    },
    lines: () =>
      checked.map(({ promise, kept, found }) => `${kept ? 'kept  ' : 'BROKEN'}  ${promise}: ${found}`).join('\n'),
  }
}
