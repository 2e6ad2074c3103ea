import { explain } from './explanation.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/**
 * `invalid` is a text for people. It never contains the checked data, unless the schema library puts the data into its
 * issues.
 */
export type Checked = { readonly value: unknown } | { readonly invalid: string; readonly cause?: unknown }

/** Limits of what is reported of a schema's issues; there may be one for each of a thousand rows. */
const MOST_ISSUES = 5
const LONGEST_ISSUE = 200

/** The data as the schema returns it; without a schema, the data itself. Never throws. */
export function checkData(schema: StandardSchemaV1 | undefined, data: unknown): Checked {
  if (!schema) return { value: data }
  try {
    const result: unknown = schema['~standard'].validate(data)
    if (typeof result !== 'object' || result === null)
      return { invalid: explain`the schema is no Standard Schema: it gave no result` }
    if ('then' in result && typeof result.then === 'function') {
      // The promise is not awaited, so a rejection would be unhandled.
      Promise.resolve(result).catch(() => undefined)
      return {
        invalid: explain`the schema is asynchronous: messages are checked in order, so only synchronous schemas can be used`,
      }
    }
    const { issues, value } = result as { readonly issues?: unknown; readonly value?: unknown }
    return issues ? { invalid: issuesText(issues) } : { value }
  } catch (thrown) {
    // Only the error's name is shown: its message may contain the data.
    return { invalid: `the schema threw ${thrown instanceof Error ? `a ${thrown.name}` : 'something'}`, cause: thrown }
  }
}

function issuesText(issues: unknown): string {
  const all = Array.isArray(issues) ? (issues as StandardSchemaV1.Issue[]) : []
  const texts = all.slice(0, MOST_ISSUES).map(({ message, path }) => {
    const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    const text = place === '' ? message : `${place}: ${message}`
    return text.length > LONGEST_ISSUE ? `${text.slice(0, LONGEST_ISSUE)}…` : text
  })
  if (all.length > MOST_ISSUES) texts.push(`and ${all.length - MOST_ISSUES} more`)
  return texts.join('; ') || explain`the schema found it invalid, and named no issue`
}
