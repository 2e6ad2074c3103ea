import type { Attendance } from './attendance.js'
import type { News, NewsChannel } from './news.js'

/**
 * The only thing that servers share. Each of them numbers, stores and dedupes nothing by itself: it asks the log, so
 * that any of them can be replaced at any moment. `memoryLog()` is one for servers of a single process.
 *
 * A method that rejects with a `LiveSocketError` of code `refused` did nothing, and may be asked anew. After any other
 * rejection the outcome is unknown.
 */
export interface TopicLog {
  /**
   * Gives the data the topic's next number, stores it, trims the topic's history and, with an `origin`, records the
   * answer under that id and its `n` as the newest of session and topic: all in one step, of which others see all or
   * nothing. A repeat changes nothing and gets the answer of the first one; nor does anything whose `n` is not above
   * the newest, or of which the log cannot tell that it was not applied before (see `createPublishRecord`). What one
   * session asks for is applied in the order in which it was asked for, also where nobody waited for the answers.
   */
  append(entry: NewEntry): Promise<Recorded>
  /**
   * Records that the publish was refused for good, unless it has an answer already, as in `append`. The answer that
   * holds.
   */
  refuse(origin: Origin, nack: Nack): Promise<Answer>
  /**
   * What was answered to that id. Null where nothing was: then it has never been applied, for otherwise (a later one
   * was, or it goes back to where the log may have forgotten) the answer, recorded by this very question, is a nack
   * with `out-of-order` or `outcome-unknown`.
   */
  recall(origin: Origin): Promise<Answer | null>
  /**
   * Runs `task` while no other task for that id runs, here or on another server that shares the log. It keeps a publish
   * that arrives on two legs at once from being decided twice; that it is not applied twice is `append`'s promise.
   */
  once<Result>(origin: Origin, task: () => Promise<Result>): Promise<Result>

  /** Where the topic stands now. A topic that nobody has published to has offset 0. */
  head(topic: string): Promise<TopicHead>
  /** The kept entries with an offset above `after`, from the oldest on, and at least one where there is one. */
  read(topic: string, after: number, limit: PageLimit): Promise<LogPage>
  /** Tells of everything that comes into the topic above `head`, in order, also before the promise resolves. */
  tail(topic: string, listener: (event: TailEvent) => void): Promise<Tail>

  /**
   * Takes in a leg. `superseded`: a leg with that number or a higher one is known already. `forbidden`: the session
   * belongs to another subject. `first`: the session had no leg.
   */
  admit(session: string, leg: number, subject?: string): Promise<Admission>
  /** The leg is gone; whether it was the session's last one. It may take as long as the log is away. */
  release(session: string, leg: number): Promise<{ readonly last: boolean }>
  /**
   * Tells what becomes of sessions by no word of their server: each change once, to one of all that share the log,
   * which is the first that answers true. Absent where a log ends with its servers. The result is the undo.
   */
  presence?(listener: (change: PresenceChange) => boolean): () => void

  /** Which sessions are present in which topics. Absent: servers with this log have no `presence`. */
  readonly attendance?: Attendance

  /**
   * Joins those that share the log, to hear what the others tell and to tell them. Absent: there are no others.
   */
  news?(listener: (news: News) => void): NewsChannel

  /**
   * Whether it can be asked now. It answers at once, from what it knows. Absent where a log always can. A server is not
   * ready for new connections before its log was, nor when it has been away for more than a short while.
   */
  status?(): LogStatus

  /** What it holds in the memory of this process, for `stats()`. Absent where that is nothing. */
  size?(): LogSize

  close(): Promise<void>
}

export interface LogSize {
  readonly topics: number
  /** Topics that nobody reads now. */
  readonly unread: number
  readonly messages: number
  /** Of their data. */
  readonly bytes: number
  /** Topics forgotten with messages in them, because there was no room. */
  readonly evicted: number
  /** Publishes whose answers are remembered. */
  readonly ids: number
  /** Sessions with a leg. */
  readonly sessions: number
}

/** Whether a log can be asked now, and since when it cannot. */
export type LogStatus =
  | { readonly ready: true }
  | {
      readonly ready: false
      /** Why, in words for an operator, without an address or a secret: whoever may ask for readiness may see it. */
      readonly reason: string
      /** For how long, in milliseconds. Infinity: it has never been ready. */
      readonly away: number
    }

/** JSON text: it is made once, when a message comes in, and never parsed or made again on its way to the clients. */
export type Json = string

/** What is to be appended. `data` is JSON text. */
export interface NewEntry {
  readonly topic: string
  readonly data: Json
  /** Absent: published by the server itself. */
  readonly origin?: Origin
  /** What the `ack` says besides the offset. */
  readonly answer?: Json
  /** Kept with the data, and given back with it; a log need not know what it says. */
  readonly about?: Json
}

/** Who published, and under which id. */
export interface Origin {
  readonly session: string
  readonly id: string
  /**
   * Where it stands among this session's publishes into its topic. Absent with clients that do not count: then only the
   * id tells a repeat.
   */
  readonly place?: Place
  /** Of a repeat: how long before this copy was sent it was first sent, in milliseconds. */
  readonly age?: number
  /** The most milliseconds that this copy can have been on its way. Default 0. */
  readonly flight?: number
}

export interface Place {
  readonly topic: string
  /** Rises from each publish to the next. */
  readonly n: number
}

/** The answer to a publish that was applied. */
export interface Ack {
  readonly type: 'ack'
  readonly offset?: number
  readonly data?: Json
}

/** The answer to a publish that was not applied. */
export interface Nack {
  readonly type: 'nack'
  readonly code: string
  readonly message: string
  /** The application's own, of what JSON can say. */
  readonly data?: unknown
}

/** A final answer to a publish. */
export type Answer = Ack | Nack

/** The answer to a publish, and whether this copy of it was the one that was applied. */
export interface Recorded {
  readonly answer: Answer
  /** True: nothing was appended by this call. */
  readonly repeat: boolean
  /** Of what the server itself published: in which numbering it was appended. */
  readonly epoch?: string
}

/** Where a topic stands. */
export interface TopicHead {
  readonly epoch: string
  /** The newest offset; 0 where there has been none. */
  readonly offset: number
  /** The oldest offset that is kept; `offset + 1` where nothing is. */
  readonly oldest: number
}

/** A message as a log has it. `data` is JSON text. */
export interface LogEntry {
  readonly offset: number
  readonly data: Json
  readonly about?: Json | undefined
}

/** Some of a topic’s messages, from the oldest on. */
export interface LogPage {
  readonly epoch: string
  readonly entries: readonly LogEntry[]
}

/** The most that a page may hold. At least one message is in it where there is one. */
export interface PageLimit {
  readonly maxMessages: number
  /** The entry that reaches it is still in the page. */
  readonly maxBytes: number
}

export interface Tail {
  /** Where the topic stood when the tail began. */
  readonly head: TopicHead
  stop(): void
}

/** What a log tells of a topic that is followed. */
export type TailEvent =
  | { readonly type: 'entry'; readonly epoch: string; readonly entry: LogEntry }
  /**
   * What follows comes behind this head: numbering has started over, where the epoch is another one; else it is not told
   * what came before it.
   */
  | { readonly type: 'epoch'; readonly head: TopicHead }

/** What a log says of a leg that comes. */
export type Admission =
  | { readonly outcome: 'admitted'; readonly first: boolean }
  | { readonly outcome: 'superseded' }
  | { readonly outcome: 'forbidden' }

/** A session of whose end no server has told. */
export type PresenceChange =
  /** The session's last legs were on a server that died. */
  | { readonly type: 'left'; readonly session: string; readonly subject?: string }
  /**
   * Its server was taken for dead, and the session was said to have left: neither is so. It is for the server that has
   * it.
   */
  | { readonly type: 'joined'; readonly session: string }

/** The answer to a publish that comes after one that its session published later into the same topic. */
export const OUT_OF_ORDER: Nack = {
  type: 'nack',
  code: 'out-of-order',
  message:
    'A later publish of this session into the topic was decided first: this one was not applied, and will not be.',
}

/** The answer of a log that cannot tell whether a publish was applied. */
export const OUTCOME_UNKNOWN: Nack = {
  type: 'nack',
  code: 'outcome-unknown',
  message: 'This publish may be older than what the server remembers: whether it was applied can no longer be told.',
}
