import { systemClock, type Clock } from '../base/clock.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { createEventLog } from './event-log.js'
import { PANEL_STYLE } from './panel-style.js'
import { createRecorder, type Recorder, type RecorderOptions, type Recording } from './recorder.js'
import { redactedAll } from './redact.js'
import { saveRecording } from './save-recording.js'
import { paintTimeline } from './timeline.js'
import { TIMELINE_HEIGHT } from './timeline-sheet.js'

/** What the panel shows, and where it sits. */
export interface DevtoolsOptions extends RecorderOptions {
  /** Default: the page's `color-scheme`. */
  readonly theme?: 'light' | 'dark'
  /** What "Export" does with a recording. Default: the browser saves it as a file. */
  readonly onExport?: (recording: Recording) => void
  /** What it is painted by. Default: the system's frames. */
  readonly frames?: Pick<Clock, 'frame'>
}

/** A panel that is on the page. */
export interface Devtools {
  readonly recorder: Recorder
  unmount(): void
}

const SPANS = [5, 20, 60]
/** How often a reader who wants less motion sees something new, ms. */
const CALM = 1_000

/**
 * A panel for `socket` in `element`: both legs on a timeline, what they brought, the token's schedule, the outbox, what
 * happened, and buttons that make things happen. It records from here on, within bounds, and holds no token and no
 * message's data.
 */
export function mountDevtools(
  socket: LiveSocket<any, any, any>,
  element: HTMLElement,
  options: DevtoolsOptions = {},
): Devtools {
  const { clock = systemClock, frames = systemClock, wire, theme, onExport = saveRecording } = options
  const recorder = createRecorder(socket, options)
  const host = element.appendChild(document.createElement('div'))
  const root = host.attachShadow({ mode: 'open' })
  adoptStyle(root)
  const panel = make('section', { class: 'panel', 'aria-label': 'LiveSocket devtools' })
  if (theme) panel.style.colorScheme = theme
  root.append(panel)

  const badge = make('span', { class: 'status', role: 'status' })
  const where = make('span', { class: 'where' })
  const button = (text: string, act: () => void, name = '') => {
    const made = make('button', { type: 'button', class: name }, text)
    made.addEventListener('click', act)
    return made
  }
  const active = () => {
    const leg = socket.store.getState().leg
    return (leg && recorder.connection(leg.number)) ?? wire?.connections.at(-1)
  }
  let frozen = new Set<ReturnType<typeof active>>()
  let paused: number | null = null
  // It may fail: what failed is in the log, as an event.
  const move = button('Hand over now', () => void socket.handover().catch(() => undefined), 'primary')
  const breakIt = button('Break it', () => active()?.break(), 'danger')
  const freeze = button('Freeze it', () => {
    if (frozen.size > 0) {
      for (const connection of frozen) connection?.thaw()
      frozen = new Set()
      return
    }
    for (const connection of wire?.connections ?? []) {
      connection.freeze()
      frozen.add(connection)
    }
  })
  const pause = button('Pause', () => {
    paused = paused === null ? recorder.now() : null
    pause.textContent = paused === null ? 'Pause' : 'Go on'
  })
  if (!wire) {
    for (const one of [breakIt, freeze]) {
      one.disabled = true
      one.title =
        'Create the live socket with environment: { WebSocket: breakable() }, and give the panel that class as `wire`.'
    }
  }
  let span = 20
  const spans = make('select', { 'aria-label': 'How much of the past is shown' })
  for (const seconds of SPANS)
    spans.append(
      make('option', { value: String(seconds), ...(seconds === span ? { selected: '' } : null) }, `${seconds} s`),
    )
  spans.addEventListener('change', () => void (span = Number(spans.value)))
  const tools = make('div', { class: 'tools' })
  tools.append(
    move,
    breakIt,
    freeze,
    spans,
    pause,
    button('Clear', () => recorder.clear()),
    button('Export', () => onExport(recorder.recording())),
  )
  const header = make('header')
  header.append(make('h2', {}, 'LiveSocket'), badge, where, tools)

  const canvas = make('canvas', {
    role: 'img',
    'aria-label': 'The legs of the live socket, and the messages that they brought',
  })
  canvas.style.height = `${TIMELINE_HEIGHT}px`
  const timeline = make('div', { class: 'timeline' })
  timeline.append(canvas)
  const key = make('ul', { class: 'key' })
  for (const [look, meaning] of [
    ['dash', 'dialling'],
    ['bar', 'active'],
    ['soft', 'the other leg'],
    ['full', 'delivered'],
    ['', 'duplicate dropped, or held'],
    ['count', 'so many at once: a replay'],
  ] as const) {
    const item = make('li', {}, meaning)
    item.prepend(make('i', { class: look }, look === 'count' ? '9' : ''))
    key.append(item)
  }

  const counters = make('dl')
  const cells = new Map<string, HTMLElement>()
  for (const name of [
    'Delivered',
    'Duplicates',
    'Held',
    'Gaps',
    'Handovers',
    'Reconnects',
    'Longest silence',
    'Outbox',
  ]) {
    const cell = make('dd', {}, '0')
    const pair = make('div')
    pair.append(make('dt', {}, name), cell)
    counters.append(pair)
    cells.set(name, cell)
  }
  const facts = make('div', { class: 'facts' })
  const trouble = fact(facts, 'Not live')
  const moving = fact(facts, 'Handover')
  const token = fact(facts, 'Token')
  const tokenBar = make('i')
  const tokenTrack = make('div', { class: 'track' })
  tokenTrack.append(tokenBar)
  token.parentElement!.append(tokenTrack)
  const log = createEventLog(recorder)
  panel.append(header, timeline, key, counters, facts, log.element)

  function show() {
    const {
      status,
      leg,
      handover,
      retry,
      token: held,
      outbox,
      closed,
      lastError,
    } = redactedAll(socket.store.getState())
    const stats = socket.stats()
    const wall = clock.now()
    text(badge, handover ? `${status}, moving` : status)
    badge.dataset['status'] = status
    text(
      where,
      leg
        ? `leg ${leg.number} on ${leg.server}, for ${seconds(wall - leg.since)}`
        : closed
          ? `closed: ${closed.by}`
          : retry
            ? `attempt ${retry.attempt} in ${seconds(retry.at - wall)}`
            : '',
    )
    const bad = new Set(stats.gaps > 0 ? ['Gaps'] : [])
    const values: Record<string, string> = {
      Delivered: number(stats.delivered),
      Duplicates: number(stats.duplicates),
      Held: number(stats.held),
      Gaps: number(stats.gaps),
      Handovers: number(stats.handovers),
      Reconnects: number(stats.reconnects),
      'Longest silence': seconds(stats.longestSilence),
      Outbox: outbox.messages === 0 ? 'empty' : `${number(outbox.messages)} · ${number(outbox.bytes)} B`,
    }
    for (const [name, cell] of cells) {
      text(cell, values[name]!)
      cell.toggleAttribute('data-bad', bad.has(name))
    }
    trouble.parentElement!.hidden = !lastError
    text(
      trouble,
      lastError
        ? `${lastError.code}, ${seconds(wall - lastError.at)} ago: ${[lastError.message, lastError.hint].filter(Boolean).join('. ')}`
        : '',
    )
    text(
      moving,
      handover
        ? `${handover.phase}, because of “${handover.reason}”; ${seconds(handover.deadline - wall)} to the deadline`
        : 'none under way',
    )
    text(
      token,
      held.status +
        (held.refreshAt ? `; next one in ${seconds(held.refreshAt - wall)}` : '') +
        (held.expiresAt ? `, this one ends in ${seconds(held.expiresAt - wall)}` : ''),
    )
    tokenTrack.hidden = !held.expiresAt || !held.refreshAt
    if (held.expiresAt && held.refreshAt) {
      longest = Math.max(expiry === held.expiresAt ? longest : 0, held.expiresAt - wall)
      expiry = held.expiresAt
      tokenBar.style.width = `${Math.max(0, Math.min(100, ((held.expiresAt - wall) / longest) * 100)).toFixed(1)}%`
    }
    move.disabled = status !== 'live' && status !== 'reconnecting' && status !== 'connecting'
    freeze.textContent = frozen.size > 0 ? 'Thaw' : 'Freeze it'
    paintTimeline(canvas, {
      now: paused ?? recorder.now(),
      span: span * 1_000,
      legs: recorder.legs,
      arrivals: recorder.arrivals,
    })
    log.show()
  }
  let longest = 0
  let expiry = 0

  const calm = typeof matchMedia === 'function' ? matchMedia('(prefers-reduced-motion: reduce)') : null
  let shownAt = -Infinity
  let cancel = frames.frame(next)
  function next() {
    const now = systemClock.monotonic()
    if (!calm?.matches || now - shownAt >= CALM) {
      shownAt = now
      if (paused === null) show()
    }
    cancel = frames.frame(next)
  }
  show()

  return {
    recorder,
    unmount() {
      cancel()
      for (const connection of frozen) connection?.thaw()
      recorder.stop()
      host.remove()
    },
  }
}

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  content = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== '' || attribute === 'selected') made.setAttribute(attribute, value)
  made.textContent = content
  return made
}

function fact(into: HTMLElement, name: string): HTMLElement {
  const value = make('span')
  const line = make('p')
  line.append(make('b', {}, `${name} `), value)
  into.append(line)
  return value
}

/** Only where it differs: who selects text in the panel keeps the selection. */
function text(into: HTMLElement, content: string) {
  if (into.textContent !== content) into.textContent = content
}

function adoptStyle(root: ShadowRoot) {
  // A style element would need the page's Content-Security-Policy to allow it.
  if (typeof CSSStyleSheet === 'function' && 'adoptedStyleSheets' in root && 'replaceSync' in CSSStyleSheet.prototype) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(PANEL_STYLE)
    root.adoptedStyleSheets = [sheet]
  } else root.append(make('style', {}, PANEL_STYLE))
}

const number = (value: number) => value.toLocaleString('en')
const seconds = (ms: number) =>
  ms < 0
    ? 'a moment'
    : ms < 1_000
      ? `${Math.round(ms)} ms`
      : ms < 120_000
        ? `${(ms / 1_000).toFixed(1)} s`
        : `${Math.round(ms / 60_000)} min`
