/** How much of the past is shown, in milliseconds. */
const WINDOW = 20_000

/** Milliseconds without a message from which a silence is drawn: at 100 messages a second a shorter one is invisible. */
const SILENCE = 250

/**
 * Draws one client: a bar per connection in two rows, so that an overlap is visible, and below them every message that the
 * application got, so that a silence is visible as a hole. Colours come from the style sheet.
 */
export function createTimeline(canvas, name) {
  const legs = new Map()
  const marks = []
  let deliveries = []

  const forget = (now) => {
    for (const [number, leg] of legs) if (leg.closed !== null && now - leg.closed > WINDOW) legs.delete(number)
    while (marks.length > 0 && now - marks[0].at > WINDOW) marks.shift()
    let old = 0
    while (old < deliveries.length - 1 && now - deliveries[old] > WINDOW) old++
    if (old > 500) deliveries = deliveries.slice(old)
  }

  return {
    dialling(leg, at) {
      const taken = [...legs.values()].filter(({ closed }) => closed === null).map(({ row }) => row)
      // Legs take the rows in turns; after a failed dial, the next leg takes the free row.
      const row = taken.includes(leg % 2) ? 1 - (leg % 2) : leg % 2
      legs.set(leg, { row, dialled: at, ready: null, closed: null, server: '' })
    },
    ready(leg, server, at) {
      const known = legs.get(leg)
      if (known) Object.assign(known, { ready: at, server })
    },
    closed(leg, at) {
      const known = legs.get(leg)
      if (known) known.closed ??= at
    },
    delivered: (at) => void deliveries.push(at),
    mark: (label, at) => void marks.push({ label, at }),

    draw(now) {
      forget(now)
      const width = canvas.clientWidth
      const height = canvas.clientHeight
      const scale = window.devicePixelRatio || 1
      if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
        canvas.width = Math.round(width * scale)
        canvas.height = Math.round(height * scale)
      }
      const style = getComputedStyle(canvas)
      const colour = (variable) => style.getPropertyValue(variable).trim()
      const [ink, muted, line, bad, badSoft] = ['--ink', '--muted', '--line', '--bad', '--bad-soft'].map(colour)
      const own = colour(`--${name}`)
      const soft = colour(`--${name}-soft`)
      const context = canvas.getContext('2d')
      context.setTransform(scale, 0, 0, scale, 0, 0)
      context.clearRect(0, 0, width, height)
      context.font = `600 11px ${style.fontFamily}`
      context.textBaseline = 'middle'

      const x = (at) => width - ((now - at) / WINDOW) * width
      const head = 16
      const stripHeight = 24
      const stripTop = height - stripHeight - 1
      const tall = (stripTop - head - 10) / 2

      for (let second = 0; second <= WINDOW; second += 5_000) {
        const at = Math.round(x(now - second)) - 0.5
        context.fillStyle = line
        context.fillRect(at, head, 1, height - head)
      }

      let labelEnd = -Infinity
      for (const { label, at } of marks) {
        const left = x(at)
        context.fillStyle = ink
        context.fillRect(left, head - 4, 1.5, height - head + 4)
        const room = context.measureText(label).width
        const start = Math.min(Math.max(0, left), width - room)
        if (start < labelEnd + 8) continue
        context.fillText(label, start, 6)
        labelEnd = start + room
      }

      for (const leg of legs.values()) {
        const top = head + leg.row * (tall + 3)
        const end = x(leg.closed ?? now)
        const start = x(leg.dialled)
        if (end < 0) continue
        const readyAt = leg.ready === null ? end : x(leg.ready)
        context.setLineDash([3, 3])
        context.strokeStyle = muted
        context.lineWidth = 1.5
        context.strokeRect(start + 0.75, top + 0.75, Math.max(2, readyAt - start - 1.5), tall - 1.5)
        context.setLineDash([])
        if (leg.ready === null) continue
        const long = Math.max(2, end - readyAt)
        context.fillStyle = soft
        context.fillRect(readyAt, top, long, tall)
        context.fillStyle = own
        context.fillRect(readyAt, top, Math.min(3, long), tall)
        const labelLeft = Math.max(readyAt, 0) + 8
        if (end - labelLeft > context.measureText(leg.server).width)
          context.fillText(leg.server, labelLeft, top + tall / 2)
      }

      const pixels = new Uint16Array(Math.ceil(width) + 1)
      let previous = null
      const silence = (from, to) => {
        if (to - from < SILENCE) return
        const left = Math.max(0, x(from))
        const long = x(to) - left
        if (long < 1) return
        context.fillStyle = badSoft
        context.fillRect(left, stripTop, long, stripHeight)
        context.fillStyle = bad
        context.fillRect(left, stripTop, 1, stripHeight)
        context.fillRect(left + long - 1, stripTop, 1, stripHeight)
        const label = to - from >= 1_000 ? `${((to - from) / 1_000).toFixed(1)} s` : `${Math.round(to - from)} ms`
        if (long > context.measureText(label).width + 6) {
          context.fillText(label, left + (long - context.measureText(label).width) / 2, stripTop + stripHeight / 2)
        }
      }
      for (const at of deliveries) {
        if (previous !== null) silence(previous, at)
        previous = at
        const column = Math.floor(x(at))
        if (column >= 0) pixels[column]++
      }
      if (previous !== null) silence(previous, now)

      context.fillStyle = own
      const usual = (WINDOW / 1_000 / width) * 100
      for (let column = 0; column < pixels.length; column++) {
        if (pixels[column] === 0) continue
        const high = Math.min(1, 0.35 + (0.35 * pixels[column]) / Math.max(1, usual)) * stripHeight
        context.fillRect(column, stripTop + stripHeight - high, 1, high)
      }
    },
  }
}
