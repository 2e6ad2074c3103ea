import { useCallback, useState } from 'react'

const HEIGHT = 280
const LEFT = 46
const BOTTOM = 34
const TOP = 14
/** The least distance between two labels on the time axis, in pixels. */
const APART = 56

const short = (value: number) => (value >= 1_000 ? `${value / 1_000}k` : String(value))

/**
 * The load of each second, and the capacity. The scale is a square root, so that a peak leaves the rest visible.
 */
export function LoadChart({
  lines,
  limit,
}: {
  lines: readonly { name: string; values: readonly number[] }[]
  limit: { name: string; value: number }
}) {
  const [width, measure] = useWidth(720)
  const seconds = lines[0]!.values.length
  const most = Math.max(limit.value * 1.25, ...lines.flatMap(({ values }) => values))
  const x = (second: number) => LEFT + (second / Math.max(1, seconds - 1)) * (width - LEFT - 12)
  const y = (value: number) => HEIGHT - BOTTOM - Math.sqrt(value / most) * (HEIGHT - BOTTOM - TOP)
  const ticks = [1, 2, 5]
    .flatMap((digit) => [1, 10, 100, 1_000, 10_000, 100_000].map((power) => digit * power))
    .sort((a, b) => a - b)
  const rows = ticks.filter((tick) => tick <= most && tick >= most / 60)
  const step = [15, 30, 60, 120, 300].find((step) => x(step) - x(0) >= APART) ?? 600
  return (
    <figure className="load-chart">
      <svg
        ref={measure}
        height={HEIGHT}
        role="img"
        aria-label={lines
          .map(({ name, values }) => `${name}: at most ${Math.max(...values).toLocaleString('en')} a second`)
          .join('; ')}
      >
        {rows.map((tick) => (
          <g key={tick}>
            <line x1={LEFT} x2={width - 12} y1={y(tick)} y2={y(tick)} className="grid" />
            <text x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {short(tick)}
            </text>
          </g>
        ))}
        {Array.from({ length: Math.floor((seconds - 1) / step) + 1 }, (_, index) => (
          <text key={index} x={x(index * step)} y={HEIGHT - 10} textAnchor="middle">
            {index * step} s
          </text>
        ))}
        {lines.map(({ name, values }, index) => (
          <path
            key={name}
            className={index === 0 ? 'ours' : 'theirs'}
            d={`M${values.map((value, second) => `${x(second).toFixed(1)} ${y(value).toFixed(1)}`).join('L')}`}
          />
        ))}
        <line x1={LEFT} x2={width - 12} y1={y(limit.value)} y2={y(limit.value)} className="limit" />
        <text x={width - 14} y={y(limit.value) - 7} textAnchor="end" className="limit-name">
          {limit.name}
        </text>
      </svg>
      <figcaption>
        {lines.map(({ name }, index) => (
          <span key={name} className={index === 0 ? 'ours' : 'theirs'}>
            {name}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

/** The width of the element with the ref, in pixels: the text of a picture that is scaled down would be unreadable. */
function useWidth(first: number) {
  const [width, setWidth] = useState(first)
  const measure = useCallback((element: Element | null) => {
    if (!element) return
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [width, measure] as const
}
