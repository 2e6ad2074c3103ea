import { OUT_OF_ORDER, OUTCOME_UNKNOWN, type Answer, type Nack, type Origin } from '../log/topic-log.js'

/** How a publish and its answer are written for the scripts: see RECORD in record-script.ts. */

/**
 * For a repeat its age; how long it may have been on its way, including its wait in this process; its number, if it has
 * one; and when this is written, as far as the time in Redis is known (see `RedisTime`).
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
