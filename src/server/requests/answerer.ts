import type { Clock } from '../../base/clock.js'
import { checkData } from '../../base/standard-schema.js'
import type { ClientFrame } from '../../protocol/frames.js'
import { serialise } from '../../protocol/json.js'
import type { MethodSchemas } from '../../protocol/method-types.js'
import { OWN_METHOD } from '../../protocol/own-methods.js'
import { attempt, TooLong } from '../attempt.js'
import { LONGEST_DATA } from '../bounds.js'
import { invalid, quoted, shown } from '../../base/invalid.js'
import { OUTCOME_UNKNOWN, type Ack } from '../log/topic-log.js'
import { refusalFrame, type Refusal } from '../refused.js'
import type { OnRequest } from '../request.js'
import { RequestRefused } from '../request-refusal.js'

export type RequestFrame = Extract<ClientFrame, { type: 'request' }>

/** Calls the method's handler. Never rejects. */
export type Answerer<User> = (
  frame: RequestFrame,
  who: { readonly user: User; readonly session: string },
  controller: AbortController,
) => Promise<Ack | Refusal>

export interface AnswererDeps<User> {
  /** The server's own handlers, then the application's. */
  readonly handlers: readonly OnRequest<User>[]
  readonly schemas: MethodSchemas
  readonly clock: Clock
  /** Milliseconds that a handler may take. */
  readonly patience: number
  onError(error: unknown, doing: string): void
}

const FAILED = nack('error', 'The server failed to answer this.')

export function createAnswerer<User>(deps: AnswererDeps<User>): Answerer<User> {
  const { handlers, schemas, onError } = deps
  const handlerOf = (method: string) => handlers.find((given) => Object.hasOwn(given, method))?.[method]

  return async ({ method, data }, { user, session }, controller) => {
    const handler = handlerOf(method)
    if (!handler) return nack('unknown-method', `This server has no method ${quoted(method)}: see onRequest.`)
    const doing = `answering the request ${quoted(method)}`
    const { input, output } = (Object.hasOwn(schemas, method) && schemas[method]) || {}
    const checked = checkData(input, data)
    if ('invalid' in checked)
      return nack('invalid', `The data for ${quoted(method)} does not fit its schema: ${checked.invalid}.`)
    const answered = await attempt(
      deps,
      `the method ${quoted(method)} took longer than limits.requestTimeout`,
      () => handler({ method, data: checked.value, user, session, signal: controller.signal }),
      controller,
    )
    if ('thrown' in answered) {
      const { thrown } = answered
      if (thrown instanceof RequestRefused) {
        const { refusal, problem } = refusalFrame(thrown)
        if (problem) onError(problem, doing)
        return refusal
      }
      // If the client has given up, the handler's error from its aborted signal is not reported.
      if (!controller.signal.aborted || thrown instanceof TooLong) onError(thrown, doing)
      return thrown instanceof TooLong
        ? nack(OUTCOME_UNKNOWN.code, 'It took longer than limits.requestTimeout, and may still complete.')
        : FAILED
    }
    const { value } = answered
    const fits = checkData(output, value)
    const text = value === undefined ? { json: undefined } : serialise(value)
    const wrong =
      'invalid' in fits
        ? `its answer does not fit its schema: ${fits.invalid}`
        : 'invalid' in text
          ? `its answer cannot be sent: ${text.invalid}`
          : text.json !== undefined && text.json.length > LONGEST_DATA
            ? `its answer has ${text.json.length} characters, and clients read no more than ${LONGEST_DATA}`
            : null
    if (wrong !== null) {
      onError(invalid(`onRequest[${quoted(method)}]: ${wrong}`), doing)
      return nack('error', 'The request was carried out, but its answer could not be sent.')
    }
    return { type: 'ack', ...('json' in text && text.json !== undefined ? { data: text.json } : undefined) }
  }
}

/** Throws `invalid` if the handlers are not functions, or have names that are reserved for the server. */
export function checkHandlers(given: unknown): void {
  if (given === undefined) return
  if (typeof given !== 'object' || given === null)
    throw invalid(`onRequest must be an object of functions, not ${shown(given)}`)
  for (const [method, handler] of Object.entries(given)) {
    if (typeof handler !== 'function') throw invalid(`onRequest.${method} must be a function, not ${shown(handler)}`)
    if (method.startsWith(OWN_METHOD)) throw invalid(`onRequest: methods named ${OWN_METHOD}… are the server's own`)
  }
}

function nack(code: string, message: string): Refusal {
  return { type: 'nack', code, message }
}
