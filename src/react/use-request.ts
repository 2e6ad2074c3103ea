'use client'
import type { MethodAnswer, MethodData } from '../protocol/method-types.js'
import type { RequestOptions } from '../requests/requests.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { RegisteredMethods, TopicName } from './register.js'
import { useCalls, type Outcomes } from './use-calls.js'

/** A request function, and the state of its calls. */
export interface Requesting<Method> extends Outcomes {
  /**
   * Resolves with the server's answer; rejects with a `LiveSocketError`. A rejection that nothing awaits never counts
   * as unhandled: it is in `error`. The function stays the same while socket and method do.
   */
  readonly request: (
    ...args: undefined extends MethodData<Method>
      ? [data?: MethodData<Method>, options?: RequestOptions]
      : [data: MethodData<Method>, options?: RequestOptions]
  ) => Promise<MethodAnswer<Method>>
}

/** Sends requests to the server. The component renders when `pending` or `error` changes. */
export function useRequest<Method extends TopicName<Methods>, Methods extends object = RegisteredMethods>(
  method: Method,
  options: { readonly socket?: LiveSocket<any, any, Methods> } = {},
): Requesting<Methods[Method]> {
  return useCalls(options.socket as LiveSocket<any, any, any> | undefined, 'request', method)
}
