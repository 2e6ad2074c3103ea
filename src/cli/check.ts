import type { CheckContext } from './check-context.js'

export interface Check {
  /** The rule of docs/protocol.md that it is about. */
  readonly rule: string
  readonly title: string
  /** It takes ten seconds or so. */
  readonly slow?: boolean
  run(context: CheckContext): Promise<void>
}
