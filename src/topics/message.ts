/** What is known of a message besides its data. */
export interface MessageInfo<Topic extends string = string> {
  readonly topic: Topic
  readonly offset: number
  readonly epoch: string
  /** The number of the leg that brought it. */
  readonly leg: number
  /** Whether it was already in the log when its leg subscribed. */
  readonly replayed: boolean
  /** The id of the publish, which `publish` resolves with, if this session published the message. */
  readonly id?: string | undefined
  /** Who published it, if the server tells: see its `tellPublisher`. */
  readonly by?: unknown
}

/** A message as `stream` yields it: its data, and the rest that is known of it. */
export interface Message<Data = unknown, Topic extends string = string> extends MessageInfo<Topic> {
  readonly data: Data
}
