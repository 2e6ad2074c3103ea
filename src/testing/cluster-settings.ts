/** The answer to a request: data, or a refusal. */
export type Decision =
  | { data?: unknown }
  | { refuse: { code: string; message?: string; data?: unknown; retryAfter?: number } }

/** Settings of the simulated servers. */
export interface ClusterSettings {
  /** A leg without a valid token is refused. Default false: a token is checked only if there is one. */
  requireToken?: boolean
  /** The `heartbeat` of `welcome`, in milliseconds. Default 10,000. */
  heartbeat?: number
  /** The `maxFrame` of `welcome`, in bytes. Default: no limit, and `welcome` names none. */
  maxFrame?: number
  /** The `reconnectSpread` of `welcome`, in milliseconds. Default: `welcome` names none. */
  reconnectSpread?: number
  /** Whether clients may see a message. Default: every message. */
  filter?: (topic: string, data: unknown) => boolean
  /** Whether clients may subscribe to a topic. Default: every topic. */
  authorize?: (topic: string) => boolean
  /**
   * Decides about a publish: returns the answer's `data`, or a refusal. If it throws, the answer is the refusal
   * `error`, as from a real server. Default: the message is appended to its topic.
   */
  onPublish?: (
    topic: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; retryAfter?: number } }
  /**
   * Answers a request: returns the answer's `data` or a refusal, or a promise of one. Default: the refusal
   * `unknown-method`.
   */
  onRequest?: (method: string, data: unknown) => Decision | Promise<Decision>
  /**
   * Whether a client may be present in a topic. With `{ show }` others see that value as `user`. With `true` they see
   * the `subject`: the name of the device if the session has a token (`user-1` for the first device), otherwise null.
   * Default: the servers have no presence.
   */
  presence?: (topic: string, subject: string | undefined) => boolean | { readonly show: unknown }
}
