'use client'
import type { MethodAnswer, MethodData } from '../protocol/method-types.js'
import type { RequestOptions } from '../requests/requests.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { RegisteredMethods, TopicName } from './register.js'
import { useCalls, type Outcomes } from './use-calls.js'

/** A request function, and how its last call is doing. */
export interface Requesting<Method> extends Outcomes {
  /**
   * Resolves with the server's answer; rejects with a `LiveSocketError`. A rejection that nobody waits for is no
   * unhandled one: it is in `error`. The function is the same one while socket and method are.
   */
  readonly request: (
    ...args: undefined extends MethodData<Method>
      ? [data?: MethodData<Method>, options?: RequestOptions]
      : [data: MethodData<Method>, options?: RequestOptions]
  ) => Promise<MethodAnswer<Method>>
}

/** Asks the server, and renders when what is pending or what failed changes. */
export function useRequest<Method extends TopicName<Methods>, Methods extends object = RegisteredMethods>(
  method: Method,
  options: { readonly socket?: LiveSocket<any, any, Methods> } = {},
): Requesting<Methods[Method]> {
  return useCalls(options.socket as LiveSocket<any, any, any> | undefined, 'request', method)
}
