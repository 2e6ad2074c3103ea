import { badTexts, badValues } from './bad-fields.js'
import type { Sample } from './samples.js'

export interface BadFrame {
  readonly name: string
  /** The type that the frame would have had; empty for a text that is no frame at all. */
  readonly type: string
  readonly text: string
}

/** Every frame with each field missing or wrong in turn, and texts that are no frame. */
export function badFrames(samples: readonly Sample<object>[]): BadFrame[] {
  const fields = samples.flatMap(({ wire, rules }) =>
    Object.entries(rules).map(([field, rule]) => ({ type: String(wire['type']), wire, field, rule })),
  )
  return [
    ...badTexts.map(({ name, json }) => ({ name: `a text that is ${name}`, type: '', text: json })),
    ...fields.flatMap(({ type, wire, field, rule }) => [
      ...(rule.optional
        ? []
        : [{ name: `${type} without ${field}`, type, text: JSON.stringify({ ...wire, [field]: undefined }) }]),
      ...badValues[rule.kind].map((bad) => ({
        name: `${type} whose ${field} is ${bad.name}`,
        type,
        text: withField(wire, field, bad.json),
      })),
    ]),
  ]
}

export function withField(wire: Readonly<Record<string, unknown>>, field: string, json: string): string {
  const rest = Object.fromEntries(Object.entries(wire).filter(([name]) => name !== field))
  return JSON.stringify(rest).replace(/}$/, `,"${field}":${json}}`)
}
