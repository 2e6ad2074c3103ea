import { OUT_OF_ORDER, OUTCOME_UNKNOWN, type Answer, type Nack, type Origin } from '../log/topic-log.js'

/** How a publish, and what became of it, is written for the scripts: see RECORD there. */

/**
 * Of a repeat its age; how long it may have been on its way, with what it waited here since; its number, where it has
 * one; and when this is written, as far as it is known what time it is in Redis (see `RedisTime`).
 */
export function placeText(
  origin: Origin | undefined,
  age: number | undefined,
  written: number | null,
  waited = 0,
): string {
  const ms = (time: number) => `${Math.max(0, Math.ceil(time))}`
  const flight = ms((origin?.flight ?? 0) + waited)
  return `${age === undefined ? '' : ms(age)}:${flight}:${origin?.place?.n ?? ''}:${written ?? ''}`
}

export function nackText(nack: Nack): string {
  return `n${JSON.stringify(nack)}`
}

export function answerOf(text: string): Answer {
  if (text === 'u') return OUTCOME_UNKNOWN
  if (text === 'o') return OUT_OF_ORDER
  if (text.startsWith('n')) return JSON.parse(text.slice(1)) as Nack
  const colon = text.indexOf(':')
  const offset = Number(text.slice(1, colon < 0 ? undefined : colon))
  return { type: 'ack', offset, ...(colon < 0 ? undefined : { data: text.slice(colon + 1) }) }
}
