import type { CheckContext } from './check-context.js'

export interface Check {
  /** The rule of docs/protocol.md that is checked. */
  readonly rule: string
  readonly title: string
  /** It takes some ten seconds. */
  readonly slow?: boolean
  run(context: CheckContext): Promise<void>
}
