import type { LiveSocketStats } from '../socket/live-socket.js'
import type { LiveSocketState } from '../socket/store.js'
import { make, number, seconds, text } from './panel-elements.js'
import type { Recorder } from './recorder.js'

const NAMES = ['Delivered', 'Duplicates', 'Held', 'Gaps', 'Handovers', 'Reconnects', 'Longest silence', 'Outbox']
/** Counters that need a breakable WebSocket class. */
const WIRE = ['Requests, waiting', 'Signals in, out']

/** What arrived, what was dropped, and what waits. */
export function createCounters(wire: boolean) {
  const element = make('dl')
  const cells = new Map<string, HTMLElement>()
  for (const name of [...NAMES, ...(wire ? WIRE : [])]) {
    const cell = make('dd', {}, '0')
    const pair = make('div')
    pair.append(make('dt', {}, name), cell)
    element.append(pair)
    cells.set(name, cell)
  }
  return {
    element,
    show(stats: LiveSocketStats, outbox: LiveSocketState['outbox'], { requests, signals }: Recorder['traffic']) {
      const values: Record<string, string> = {
        Delivered: number(stats.delivered),
        Duplicates: number(stats.duplicates),
        Held: number(stats.held),
        Gaps: number(stats.gaps),
        Handovers: number(stats.handovers),
        Reconnects: number(stats.reconnects),
        'Longest silence': seconds(stats.longestSilence),
        'Requests, waiting': `${number(requests.asked)} · ${number(requests.waiting)}`,
        'Signals in, out': `${number(signals.in)} · ${number(signals.out)}`,
        Outbox: outbox.messages === 0 ? 'empty' : `${number(outbox.messages)} · ${number(outbox.bytes)} B`,
      }
      for (const [name, cell] of cells) text(cell, values[name]!)
      cells.get('Gaps')!.toggleAttribute('data-bad', stats.gaps > 0)
    },
  }
}
