import type { MethodAnswer, MethodData, MethodTypes } from '../protocol/method-types.js'
import type { MaybePromise } from './maybe-promise.js'

/** What a handler of `onRequest` is called with. */
export interface Request<User, Data = unknown> {
  readonly method: string
  readonly data: Data
  readonly user: User
  readonly session: string
  /** Fires when nobody waits for the answer any longer: the client gave up, its leg is gone, or the time is over. */
  readonly signal: AbortSignal
}

/** See `LiveServerOptions.onRequest`. */
export type OnRequest<User, Methods extends object = MethodTypes> = {
  readonly [Method in keyof Methods]?: (
    ask: Request<User, MethodData<Methods[Method]>>,
  ) => MaybePromise<MethodAnswer<Methods[Method]>>
}
