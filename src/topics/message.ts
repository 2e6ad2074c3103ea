/** What a message is beside its data. */
export interface MessageInfo<Topic extends string = string> {
  readonly topic: Topic
  readonly offset: number
  readonly epoch: string
  /** The number of the leg that brought it. */
  readonly leg: number
  /** It was in the log already when its leg subscribed. */
  readonly replayed: boolean
  /** That of the publish, as `publish` resolves with it, where this session published it. */
  readonly id?: string | undefined
  /** Who published it, where the server tells: see its `tellPublisher`. */
  readonly by?: unknown
}

/** A message as `stream` gives it: its data, and what else there is to know. */
export interface Message<Data = unknown, Topic extends string = string> extends MessageInfo<Topic> {
  readonly data: Data
}
