import type { RecordedEvent, Recorder } from './recorder.js'

const SHOWN = 150

const TONES: Partial<Record<RecordedEvent['type'], 'bad' | 'handover' | 'good'>> = {
  gap: 'bad',
  error: 'bad',
  invalid: 'bad',
  'token-failed': 'bad',
  'session-ended': 'bad',
  'redirect-refused': 'bad',
  'handover-failed': 'bad',
  'handover-requested': 'handover',
  'handover-started': 'handover',
  cutover: 'handover',
  'handover-finished': 'handover',
  'leg-ready': 'good',
  'token-refreshed': 'good',
}

/** The list of events, the newest at the bottom. It stays scrolled to the bottom unless the reader has scrolled up. */
export function createEventLog(recorder: Recorder): { readonly element: HTMLElement; show(): void } {
  const element = document.createElement('ol')
  element.className = 'log'
  element.tabIndex = 0
  element.setAttribute('aria-label', 'Events')
  let last: RecordedEvent | undefined

  const row = ({ at, type, detail }: RecordedEvent) => {
    const item = document.createElement('li')
    const tone = TONES[type]
    if (tone) item.dataset['tone'] = tone
    const part = (name: string, content: string) => {
      const made = document.createElement(name)
      made.textContent = content
      item.append(made)
    }
    part('time', `${(at / 1_000).toFixed(2)} s`)
    part('b', type)
    // In a recording, ids connect events; here their order does.
    const told = Object.entries(detail).filter(([name, value]) => name !== 'id' && name !== 'handover' && value !== '')
    part(
      'span',
      told
        .map(
          ([name, value]) =>
            `${name === type ? '' : `${name} `}${typeof value === 'number' ? Math.round(value) : value}`,
        )
        .join(' · '),
    )
    return item
  }

  return {
    element,
    show() {
      const events = recorder.events
      if (events.at(-1) === last) return
      const known = last === undefined ? -1 : events.lastIndexOf(last)
      if (known === -1) element.replaceChildren()
      last = events.at(-1)
      const follows = element.scrollHeight - element.scrollTop - element.clientHeight < 24
      element.append(...events.slice(Math.max(known + 1, events.length - SHOWN)).map(row))
      while (element.childElementCount > SHOWN) element.firstElementChild!.remove()
      if (follows) element.scrollTop = element.scrollHeight
    },
  }
}
