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

/** Options of the panel. */
export interface DevtoolsOptions extends RecorderOptions {
  /** Light or dark. Default: the page's `color-scheme`. */
  readonly theme?: 'light' | 'dark'
  /** Called with a recording when "Export" is pressed. Default: the browser saves it as a file. */
  readonly onExport?: (recording: Recording) => void
  /** The source of animation frames for painting. Default: the system's. */
  readonly frames?: Pick<Clock, 'frame'>
}

/** A mounted panel. */
export interface Devtools {
  readonly recorder: Recorder
  unmount(): void
}

/** Milliseconds between updates for a reader who prefers reduced motion. */
const CALM = 1_000

/**
 * Mounts a panel for `socket` in `element`: both legs on a timeline, what they brought, the token's schedule, the
 * outbox, the events, and buttons that act on the socket. It records from here on, within bounds, and keeps no token
 * and no data of a message. Throws a `LiveSocketError` `invalid` if `element` is missing.
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

/** The legend of the timeline. */
function createKey(): HTMLElement {
  const key = make('ul', { class: 'key' })
  for (const [look, meaning] of [
    ['dash', 'dialling'],
    ['bar', 'active'],
    ['soft', 'the other leg'],
    ['full', 'delivered'],
    ['', 'duplicate dropped, or held'],
    ['count', 'several at once'],
  ] as const) {
    const item = make('li', {}, meaning)
    item.prepend(make('i', { class: look }, look === 'count' ? '9' : ''))
    key.append(item)
  }
  return key
}

function adoptStyle(root: ShadowRoot) {
  // A style element would need permission by the page's Content-Security-Policy.
  if (typeof CSSStyleSheet === 'function' && 'adoptedStyleSheets' in root && 'replaceSync' in CSSStyleSheet.prototype) {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(PANEL_STYLE)
    root.adoptedStyleSheets = [sheet]
  } else root.append(make('style', {}, PANEL_STYLE))
}
