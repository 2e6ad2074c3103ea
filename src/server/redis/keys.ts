import { keyOf } from '../log/publish-record.js'
import type { Origin } from '../log/topic-log.js'

/**
 * The names of all keys in Redis. They share one hash tag, and thereby one slot of a cluster, so that a script may
 * touch any of them. Keys that belong to one numbering contain its epoch, so that keys of an older one are never
 * mistaken for it.
 */
export interface Keys {
  /** A hash: the epoch, the Redis that it was agreed on, and the head of each topic. */
  readonly root: string
  /** A stream: what was appended to any topic, for the tails. */
  readonly feed: string
  /** Streams: what servers tell each other. */
  readonly orders: string
  readonly signals: string
  /** A hash: the leases of the nodes. */
  readonly nodes: string
  /** A sorted set: the sessions without legs, by when they lost their last one. */
  readonly idle: string
  /** A set: the nodes that are called when another Redis has become the master. */
  readonly members: string
  /** A hash: the nodes that have answered a call. */
  readonly call: string
  /** A sorted set: sessions that are present in a topic and have no leg, by when they lost their last one. */
  readonly departing: string
  /** The prefix of all of them. */
  readonly tag: string
  /** A hash: what became of the session's publishes. */
  record(epoch: string, session: string): string
  topics(epoch: string): string
  topic(epoch: string, topic: string): string
  session(session: string): string
  /** A set: the legs of a node, each as its number, a space and the name of its session. */
  legs(node: string): string
  lock(origin: Origin): string
  /** A hash: the sessions that are present in a topic. */
  attending(epoch: string, topic: string): string
}

export function createKeys(prefix: string): Keys {
  const tag = `{${prefix}}:`
  return {
    tag,
    root: `${tag}root`,
    feed: `${tag}feed`,
    orders: `${tag}orders`,
    signals: `${tag}signals`,
    nodes: `${tag}nodes`,
    idle: `${tag}idle`,
    record: (epoch, session) => `${tag}record:${epoch}:${encodeName(session)}`,
    members: `${tag}members`,
    call: `${tag}call`,
    topics: (epoch) => `${tag}topics:${epoch}`,
    topic: (epoch, topic) => `${tag}topic:${epoch}:${encodeName(topic)}`,
    legs: (node) => `${tag}legs:${node}`,
    session: (session) => `${tag}session:${encodeName(session)}`,
    departing: `${tag}departing`,
    attending: (epoch, topic) => `${tag}attending:${epoch}:${encodeName(topic)}`,
    lock: (origin) => `${tag}lock:${idOf(origin)}`,
  }
}

/** The name of one publish of a session. */
export function idOf(origin: Origin): string {
  return encodeName(keyOf(origin))
}

/**
 * Any string as UTF-8, without collisions. Redis takes all bytes, but a lone surrogate has no UTF-8: it would become
 * the same replacement character as any other.
 */
export function encodeName(name: string): string {
  return isWellFormed(name) ? `=${name}` : `~${Buffer.from(name, 'utf16le').toString('hex')}`
}

/** Null: the text is not a name of ours. */
export function decodeName(text: string): string | null {
  if (text.startsWith('=')) return text.slice(1)
  return /^~([0-9a-f]{4})*$/.test(text) ? Buffer.from(text.slice(1), 'hex').toString('utf16le') : null
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)
}
