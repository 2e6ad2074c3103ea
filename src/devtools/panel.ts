import { platformClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { LiveConnection } from '../socket/live-connection.js'
import { createEventLog } from './event-log.js'
import { createCounters } from './panel-counters.js'
import { make, seconds, text } from './panel-elements.js'
import { createFacts } from './panel-facts.js'
import { PANEL_STYLE } from './panel-style.js'
import { createTools } from './panel-tools.js'
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

/** How often a reader who wants less motion sees something new, ms. */
const CALM = 1_000

/**
 * A panel for `socket` in `element`: both legs on a timeline, what they brought, the token's schedule, the outbox, what
 * happened, and buttons that make things happen. It records from here on, within bounds, and holds no token and no
 * message's data. Throws `LiveSocketError` `invalid` for what is no element.
 */
export function mountDevtools(socket: LiveConnection, element: HTMLElement, options: DevtoolsOptions = {}): Devtools {
  if (!element) throw new LiveSocketError('invalid', 'mountDevtools: there is no such element.')
  const { clock = platformClock, frames = platformClock, wire, theme, onExport = saveRecording } = options
  const recorder = createRecorder(socket, options)
  const host = element.appendChild(document.createElement('div'))
  const root = host.attachShadow({ mode: 'open' })
  adoptStyle(root)
  const panel = make('section', { class: 'panel', 'aria-label': 'LiveSocket devtools' })
  if (theme) panel.style.colorScheme = theme
  root.append(panel)

  const badge = make('span', { class: 'status', role: 'status' })
  const where = make('span', { class: 'where' })
  const tools = createTools(socket, recorder, wire, onExport)
  const header = make('header')
  header.append(make('h2', {}, 'LiveSocket'), badge, where, tools.element)

  const canvas = make('canvas', {
    role: 'img',
    'aria-label': 'The legs of the live socket, and the messages that they brought',
  })
  canvas.style.height = `${TIMELINE_HEIGHT}px`
  const timeline = make('div', { class: 'timeline' })
  timeline.append(canvas)
  const counters = createCounters(wire !== undefined)
  const facts = createFacts()
  const log = createEventLog(recorder)
  panel.append(header, timeline, createKey(), counters.element, facts.element, log.element)

  function show() {
    const state = redactedAll(socket.store.getState())
    const { status, leg, handover, retry, outbox, closed } = state
    const wall = clock.now()
    text(badge, handover ? `${status}, handing over` : status)
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
    counters.show(socket.stats(), outbox, recorder.traffic)
    facts.show(state, wall, recorder.traffic.members)
    tools.show(status)
    paintTimeline(canvas, {
      now: tools.paused ?? recorder.now(),
      span: tools.span * 1_000,
      legs: recorder.legs,
      arrivals: recorder.arrivals,
    })
    log.show()
  }

  const calm = typeof matchMedia === 'function' ? matchMedia('(prefers-reduced-motion: reduce)') : null
  let shownAt = -Infinity
  let cancel = frames.frame(next)
  function next() {
    const now = platformClock.monotonic()
    if (!calm?.matches || now - shownAt >= CALM) {
      shownAt = now
      if (tools.paused === null) show()
    }
    cancel = frames.frame(next)
  }
  show()

  return {
    recorder,
    unmount() {
      cancel()
      tools.thaw()
      recorder.stop()
      host.remove()
    },
  }
}

/** What the looks of the timeline mean. */
function createKey(): HTMLElement {
  const key = make('ul', { class: 'key' })
  for (const [look, meaning] of [
    ['dash', 'dialling'],
    ['bar', 'active'],
    ['soft', 'the other leg'],
    ['full', 'delivered'],
    ['', 'duplicate dropped, or held'],
    ['count', 'so many at once'],
  ] as const) {
    const item = make('li', {}, meaning)
    item.prepend(make('i', { class: look }, look === 'count' ? '9' : ''))
    key.append(item)
  }
  return key
}

function adoptStyle(root: ShadowRoot) {
  // A style element would need the page's Content-Security-Policy to allow it.
  if (typeof CSSStyleSheet === 'function' && 'adoptedStyleSheets' in root && 'replaceSync' in CSSStyleSheet.prototype) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(PANEL_STYLE)
    root.adoptedStyleSheets = [sheet]
  } else root.append(make('style', {}, PANEL_STYLE))
}
