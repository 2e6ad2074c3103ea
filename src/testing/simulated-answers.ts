import type { ClientFrame, ServerFrame } from '../protocol/frames.js'
import { historyAsk } from '../protocol/history-ask.js'
import { HISTORY } from '../protocol/own-methods.js'
import { isOwnTopic } from '../protocol/own-topics.js'
import type { ClusterSettings, Decision } from './cluster-settings.js'
import type { Cluster } from './simulated-cluster.js'
import type { SessionUser } from './simulated-presence.js'

export type PublishFrame = Extract<ClientFrame, { type: 'publish' }>

export const REFUSED = 'the application refused it'

type PublishDecision = ReturnType<NonNullable<ClusterSettings['onPublish']>>

export const FAILED: PublishDecision = { refuse: { code: 'error', message: 'the server failed to answer this' } }

/** The answer to a publish. It is decided once for each id, whichever leg brings the publish. */
export function answerPublish(cluster: Cluster, session: string, welcomedAt: number, frame: PublishFrame): ServerFrame {
  const key = `${session} ${frame.id}`
  const known = cluster.answers.get(key)
  if (known) return known
  const topic = `${session} ${frame.topic}`
  const newest = cluster.decided.get(topic) ?? 0
  const answer = apply(cluster, welcomedAt, newest, frame)
  // A temporary refusal is no final answer: the same id may still be applied.
  if (answer.type !== 'nack' || answer.retryAfter === undefined) {
    cluster.answers.set(key, answer)
    if (frame.n !== undefined) cluster.decided.set(topic, Math.max(frame.n, newest))
  }
  return answer
}

function apply(
  { clock, log, settings, answersLost }: Cluster,
  welcomedAt: number,
  newest: number,
  { id, topic, n, data, age }: PublishFrame,
): ServerFrame {
  // What was sent before the servers forgot their answers may have been applied: a repeat, and a first copy on a leg
  // that was welcomed before.
  const sent = age !== undefined ? clock.monotonic() - age : n !== undefined ? welcomedAt : Infinity
  if (sent <= answersLost)
    return { type: 'nack', id, code: 'outcome-unknown', message: 'there is no record of what this publish came to' }
  if (n !== undefined && n <= newest)
    return { type: 'nack', id, code: 'out-of-order', message: 'a later publish into this topic was decided first' }
  if (isOwnTopic(topic)) return { type: 'nack', id, code: 'forbidden', message: 'this topic is the server’s own' }
  const decision = decided(settings, topic, data)
  if ('refuse' in decision) return { type: 'nack', id, message: REFUSED, ...decision.refuse }
  const { offset } = log.append(topic, data)
  return { type: 'ack', id, offset, ...('data' in decision ? { data: decision.data } : {}) }
}

function decided({ onPublish }: ClusterSettings, topic: string, data: unknown): PublishDecision {
  try {
    return onPublish?.(topic, data) ?? {}
  } catch {
    return FAILED
  }
}

/** The answer to a request, or its refusal. */
export function answerRequest(
  cluster: Cluster,
  method: string,
  data: unknown,
  who: SessionUser,
): Decision | Promise<Decision> {
  const own = cluster.presence.answer(method, data, who)
  if (own) return own
  try {
    const { onRequest } = cluster.settings
    return (
      onRequest?.(method, data) ??
      historyOf(cluster, method, data) ?? {
        refuse: { code: 'unknown-method', message: `this server has no method ${method}` },
      }
    )
  } catch {
    return FAILED
  }
}

function historyOf({ log, settings }: Cluster, method: string, data: unknown): Decision | null {
  if (method !== HISTORY) return null
  const ask = historyAsk(data)
  if (typeof ask === 'string') return { refuse: { code: 'invalid', message: `history: ${ask}.` } }
  const { topic, limit, before } = ask
  if (settings.authorize?.(topic) === false)
    return { refuse: { code: 'forbidden', message: 'this topic is not for this client' } }
  const { epoch } = log.answer(topic, null)
  if (before && before.epoch !== epoch)
    return { refuse: { code: 'epoch', message: 'the numbering of this topic has started over' } }
  const seen = log
    .after(topic, 0)
    .filter((one) => one.offset < (before?.offset ?? Infinity) && settings.filter?.(topic, one.data) !== false)
  return { data: { epoch, messages: seen.slice(-limit).map((one) => ({ offset: one.offset, data: one.data })) } }
}
