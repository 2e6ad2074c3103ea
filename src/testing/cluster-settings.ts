/** What a request comes to. */
export type Decision =
  | { data?: unknown }
  | { refuse: { code: string; message?: string; data?: unknown; retryAfter?: number } }

/** What the simulated servers of a service are like. */
export interface ClusterSettings {
  /** A leg without a valid token is refused. Default false: a token is judged where there is one. */
  requireToken?: boolean
  /** Milliseconds, as in `welcome`. Default 10,000. */
  heartbeat?: number
  /** Bytes, as in `welcome`. Default: no limit, and none named. */
  maxFrame?: number
  /** Milliseconds, as in `welcome`. Default: not named. */
  reconnectSpread?: number
  /** Whether clients may see a message. */
  filter?: (topic: string, data: unknown) => boolean
  /** Whether clients may subscribe to a topic. */
  authorize?: (topic: string) => boolean
  /**
   * Decides about a publish: what the answer's `data` is, or a refusal; one that throws is answered `error`, as a real
   * server answers it. Default: it is appended to its topic.
   */
  onPublish?: (
    topic: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; retryAfter?: number } }
  /** Answers a request: what the answer's `data` is, or a refusal; at once, or later. Default: `unknown-method`. */
  onRequest?: (method: string, data: unknown) => Decision | Promise<Decision>
  /**
   * Whether somebody may be present in a topic: `{ show }` is what others see as `user`, `true` shows the `subject`, which
   * is the device's where it has a token (`user-1` is the first one's), and nobody's without. Default: there is no presence.
   */
  presence?: (topic: string, subject: string | undefined) => boolean | { readonly show: unknown }
}
