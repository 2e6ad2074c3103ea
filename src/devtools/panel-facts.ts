import type { LiveSocketState } from '../socket/store.js'
import { make, seconds, text } from './panel-elements.js'

/** One sentence each about what is wrong, what is under way, and how long the token lives. */
export function createFacts() {
  /** When the shown token expires, and how long it still had to live when that was first seen. */
  let expiry = 0
  let longest = 0

  const element = make('div', { class: 'facts' })
  const fact = (name: string) => {
    const value = make('span')
    const line = make('p')
    line.append(make('b', {}, `${name} `), value)
    element.append(line)
    return value
  }
  const trouble = fact('Not live')
  const underWay = fact('Handover')
  const present = fact('Members')
  const token = fact('Token')
  const bar = make('i')
  const track = make('div', { class: 'track' })
  track.append(bar)
  token.parentElement!.append(track)

  return {
    element,
    /** @param wall the present time, wall-clock ms. */
    show({ lastError, handover, token: held }: LiveSocketState, wall: number, members: ReadonlyMap<string, number>) {
      present.parentElement!.hidden = members.size === 0
      text(present, [...members].map(([topic, count]) => `${topic}: ${count}`).join(', '))
      trouble.parentElement!.hidden = !lastError
      text(
        trouble,
        lastError
          ? `${lastError.code}, ${seconds(wall - lastError.at)} ago: ${[lastError.message, lastError.hint].filter(Boolean).join('. ')}`
          : '',
      )
      text(
        underWay,
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
      track.hidden = !held.expiresAt || !held.refreshAt
      if (!held.expiresAt || !held.refreshAt) return
      longest = Math.max(expiry === held.expiresAt ? longest : 0, held.expiresAt - wall)
      expiry = held.expiresAt
      bar.style.width = `${Math.max(0, Math.min(100, ((held.expiresAt - wall) / longest) * 100)).toFixed(1)}%`
    },
  }
}
