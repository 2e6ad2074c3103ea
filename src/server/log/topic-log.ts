import type { Attendance } from './attendance.js'
import type { News, NewsChannel } from './news.js'

/**
 * The only state that servers share. A server itself numbers, stores and deduplicates nothing: it asks the log, so that
 * any server can be replaced at any moment. `memoryLog()` is a log for servers in a single process.
 *
 * A method that rejects with a `LiveSocketError` of code `refused` did nothing, and may be called again. After any
 * other rejection the outcome is unknown.
 */
export interface TopicLog {
  /**
   * Gives the data the topic's next offset, stores it, and trims the topic's history. With an `origin` it also records
   * the answer under that id, and its `n` as the newest of session and topic. All of this is one atomic step. A repeat
   * changes nothing and gets the answer of the first copy. An `n` that is not above the newest changes nothing either,
   * and neither does a publish of which the log cannot tell that it was not applied before (see `createPublishRecord`).
   * Calls for one session are applied in the order in which they were made, even if nobody waited for the answers.
   */
  append(entry: NewEntry): Promise<Recorded>
  /**
   * Records that the publish was finally refused, unless it already has an answer, as in `append`. Resolves with the
   * answer that counts.
   */
  refuse(origin: Origin, nack: Nack): Promise<Answer>
  /**
   * The answer recorded for that id; null if there is none, which means that the publish was never applied. If the log
   * cannot be sure (a later publish was applied, or this one goes back to a time that the log may have forgotten), the
   * answer is a nack with `out-of-order` or `outcome-unknown`, which this call records.
   */
  recall(origin: Origin): Promise<Answer | null>
  /**
   * Runs `task` while no other task for that id runs, here or on another server that shares the log. It prevents that a
   * publish that arrives on two legs at once is decided twice; `append` already ensures that it is not applied twice.
   */
  once<Result>(origin: Origin, task: () => Promise<Result>): Promise<Result>

  /** The topic's present head. A topic that nobody has published to has offset 0. */
  head(topic: string): Promise<TopicHead>
  /** The kept entries with an offset above `after`, the oldest first; at least one if there is one. */
  read(topic: string, after: number, limit: PageLimit): Promise<LogPage>
  /**
   * Calls `listener` for everything that comes into the topic above `head`, in order, even before the promise resolves.
   */
  tail(topic: string, listener: (event: TailEvent) => void): Promise<Tail>

  /**
   * Admits a leg. `superseded`: a leg with that number or a higher one is already known. `forbidden`: the session
   * belongs to another subject. `first`: the session had no leg.
   */
  admit(session: string, leg: number, subject?: string): Promise<Admission>
  /** The leg is gone. `last`: it was the session's last one. The call may take as long as the log is away. */
  release(session: string, leg: number): Promise<{ readonly last: boolean }>
  /**
   * Reports changes of sessions that their server did not report. Each change goes to one listener of all that share
   * the log: the first that answers true. Absent if a log ends with its servers. The result is the undo.
   */
  presence?(listener: (change: PresenceChange) => boolean): () => void

  /** Which sessions are present in which topics. Absent: servers with this log have no `presence`. */
  readonly attendance?: Attendance

  /**
   * Joins the servers that share the log, to hear the others' news and to tell them one's own. Absent: there are no
   * others.
   */
  news?(listener: (news: News) => void): NewsChannel

  /**
   * Whether the log can be reached at present. It answers at once, from what it knows. Absent if a log always can. A
   * server is not ready for new connections before its log was reached, nor when the log has been away for more than a
   * short while.
   */
  status?(): LogStatus

  /** What it holds in the memory of this process, for `stats()`. Absent if that is nothing. */
  size?(): LogSize

  close(): Promise<void>
}

export interface LogSize {
  readonly topics: number
  /** Topics that nobody reads at present. */
  readonly unread: number
  readonly messages: number
  /** Bytes of the messages' data. */
  readonly bytes: number
  /** Topics that were forgotten with messages in them, because there was no room. */
  readonly evicted: number
  /** Publishes whose answers are remembered. */
  readonly ids: number
  /** Sessions with a leg. */
  readonly sessions: number
}

/** Whether a log can be reached at present, and since when it cannot. */
export type LogStatus =
  | { readonly ready: true }
  | {
      readonly ready: false
      /**
       * The reason in words for an operator, without an address or a secret: everyone who may ask for readiness may see
       * it.
       */
      readonly reason: string
      /** For how many milliseconds. Infinity: it has never been ready. */
      readonly away: number
    }

/**
 * JSON text. It is created once, when a message comes in, and never parsed or serialised again on its way to the
 * clients.
 */
export type Json = string

/** What is to be appended. `data` is JSON text. */
export interface NewEntry {
  readonly topic: string
  readonly data: Json
  /** Absent if the server itself publishes. */
  readonly origin?: Origin
  /** The data of the `ack`, besides the offset. */
  readonly answer?: Json
  /** Kept with the data, and returned with it. A log need not understand it. */
  readonly about?: Json
}

/** The publishing session, and the publish's id. */
export interface Origin {
  readonly session: string
  readonly id: string
  /**
   * The publish's number among this session's publishes into its topic. Absent for clients that do not count: then only
   * the id identifies a repeat.
   */
  readonly place?: Place
  /** For a repeat: the milliseconds from when the publish was first sent until this copy was sent. */
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
  /** Data of the application's own refusal; must be JSON. */
  readonly data?: unknown
}

/** A final answer to a publish. */
export type Answer = Ack | Nack

/** The answer to a publish, and whether this copy of it was the one that was applied. */
export interface Recorded {
  readonly answer: Answer
  /** True: this call appended nothing. */
  readonly repeat: boolean
  /** The epoch that the message was appended under; present only for the server's own publishes. */
  readonly epoch?: string
}

/** The position of a topic's newest message, and how far back messages are kept. */
export interface TopicHead {
  readonly epoch: string
  /** The newest offset; 0 if there has been no message. */
  readonly offset: number
  /** The oldest offset that is kept; `offset + 1` if none is. */
  readonly oldest: number
}

/** A message as a log holds it. `data` is JSON text. */
export interface LogEntry {
  readonly offset: number
  readonly data: Json
  readonly about?: Json | undefined
}

/** Some of a topic's messages, the oldest first. */
export interface LogPage {
  readonly epoch: string
  readonly entries: readonly LogEntry[]
}

/** The most that a page may hold. It contains at least one message if there is one. */
export interface PageLimit {
  readonly maxMessages: number
  /** The entry that reaches this limit is still in the page. */
  readonly maxBytes: number
}

export interface Tail {
  /** The topic's head when the tail began. */
  readonly head: TopicHead
  stop(): void
}

/** What a log reports about a topic that is followed. */
export type TailEvent =
  | { readonly type: 'entry'; readonly epoch: string; readonly entry: LogEntry }
  /**
   * Later events start above this head. With another epoch, numbering has started over; with the same epoch, entries
   * before the head were not reported.
   */
  | { readonly type: 'epoch'; readonly head: TopicHead }

/** A log's answer to a new leg. */
export type Admission =
  | { readonly outcome: 'admitted'; readonly first: boolean }
  | { readonly outcome: 'superseded' }
  | { readonly outcome: 'forbidden' }

/** The end or return of a session that no server has reported. */
export type PresenceChange =
  /** The session's last legs were on a server that died. */
  | { readonly type: 'left'; readonly session: string; readonly subject?: string }
  /**
   * The session was reported as left because its server was taken for dead, and neither is true. Meant for the server
   * that has the session.
   */
  | { readonly type: 'joined'; readonly session: string }

/** The answer to a publish that arrives after a later one of its session into the same topic was decided. */
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
  message: 'This publish may be older than what the server remembers: it is no longer known whether it was applied.',
}
