import type { TopicAnswer } from '../../protocol/frames.js'
import type { Counters } from '../counters.js'
import { asksFilter, type Filter } from '../filter.js'
import type { Encoded } from '../topics/encoded.js'
import type { SharedEntry } from '../topics/shared-entry.js'
import type { ReaderSink } from '../topics/topic-reader.js'
import type { LegSocket } from './leg-socket.js'

export interface LegSinkDeps<User> {
  readonly filter: Filter<User> | undefined
  readonly counters: Counters
  onError(error: unknown, doing: string): void
}

/** Where the topics of one leg send their messages. */
export class LegSink<User> implements ReaderSink {
  private readonly deps: LegSinkDeps<User>
  private readonly socket: LegSocket
  private readonly leg: { readonly who: { readonly session: string; readonly user: User } | null }

  constructor(deps: LegSinkDeps<User>, socket: LegSocket, leg: LegSink<User>['leg']) {
    this.deps = deps
    this.socket = socket
    this.leg = leg
  }

  message(frame: Encoded): void {
    this.deps.counters.delivered++
    this.socket.sendMessage(frame)
  }

  signal(frame: Encoded): void {
    this.socket.sendMessage(frame, true)
  }

  missed(count: number): void {
    this.deps.counters.missed += count
  }

  subscribed(topic: string, answer: TopicAnswer): void {
    this.socket.send({ type: 'subscribed', topics: new Map([[topic, answer]]) })
  }

  hasRoom(): boolean {
    return this.socket.hasRoom()
  }

  whenRoom(then: () => void): () => void {
    return this.socket.whenRoom(then)
  }

  session(): string | undefined {
    return this.leg.who?.session
  }

  sees(topic: string, entry: SharedEntry): boolean {
    const { filter } = this.deps
    if (filter === undefined) return true
    const { user, session } = this.leg.who!
    const { onError } = this.deps
    return asksFilter(filter, { topic, data: entry.value(), offset: entry.offset, user, session }, onError)
  }
}
