import type { LiveConnection } from '../socket/live-connection.js'
import type { LiveSocketState } from '../socket/store.js'
import type { BreakableWebSocket, Connection } from './breakable.js'
import { make } from './panel-elements.js'
import type { Recorder, Recording } from './recorder.js'

const SPANS = [5, 20, 60]

/** The buttons for the socket, and for what is shown of it. */
export function createTools(
  socket: LiveConnection,
  recorder: Recorder,
  wire: BreakableWebSocket | undefined,
  onExport: (recording: Recording) => void,
) {
  let frozen: Connection[] = []
  let paused: number | null = null
  let span = 20

  const button = (name: string, act: () => void, look = '') => {
    const made = make('button', { type: 'button', class: look }, name)
    made.addEventListener('click', act)
    return made
  }
  const active = () => {
    const leg = socket.store.getState().leg
    return (leg && recorder.connection(leg.number)) ?? wire?.connections.at(-1)
  }
  const thaw = () => {
    for (const connection of frozen) connection.thaw()
  }
  // A handover may fail: the log then shows the event.
  const handover = button('Hand over now', () => void socket.handover().catch(() => undefined), 'primary')
  const breakIt = button('Break it', () => active()?.break(), 'danger')
  const freeze = button('Freeze it', () => {
    thaw()
    frozen = frozen.length > 0 ? [] : [...(wire?.connections ?? [])]
    for (const connection of frozen) connection.freeze()
  })
  const pause = button('Pause', () => {
    paused = paused === null ? recorder.now() : null
    pause.textContent = paused === null ? 'Pause' : 'Resume'
  })
  if (!wire) {
    for (const one of [breakIt, freeze]) {
      one.disabled = true
      one.title =
        'Create the live socket with environment: { WebSocket: breakable() }, and give the panel that class as `wire`.'
    }
  }
  const spans = make('select', { 'aria-label': 'Time span shown' })
  for (const choice of SPANS)
    spans.append(
      make('option', { value: String(choice), ...(choice === span ? { selected: '' } : null) }, `${choice} s`),
    )
  spans.addEventListener('change', () => void (span = Number(spans.value)))
  const element = make('div', { class: 'tools' })
  element.append(
    handover,
    breakIt,
    freeze,
    spans,
    pause,
    button('Clear', () => recorder.clear()),
    button('Export', () => onExport(recorder.recording())),
  )
  return {
    element,
    /** The time at which it was paused, on the recorder's clock; null while it runs. */
    get paused() {
      return paused
    },
    /** The span of the timeline, in seconds. */
    get span() {
      return span
    },
    thaw,
    show(status: LiveSocketState['status']) {
      handover.disabled = status !== 'live' && status !== 'reconnecting' && status !== 'connecting'
      frozen = frozen.filter(({ state }) => state !== 'over')
      freeze.textContent = frozen.length > 0 ? 'Thaw' : 'Freeze it'
    },
  }
}
