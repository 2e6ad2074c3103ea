import { brief, explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { ErrorFrame } from '../protocol/frames.js'

/**
 * The error for a topic that is not served: refused permanently or temporarily, ended by the server, or not answered
 * yet.
 */
export function topicError({ code, message, retryAfter }: ErrorFrame, topic: string): LiveSocketError {
  if (code === 'timeout')
    return new LiveSocketError(
      'timeout',
      explain`The server has not answered yet for the topic "${topic}", and serves the other topics meanwhile; a late answer is still used: ${message}`,
      { topic },
    )
  const kind = code === 'forbidden' || code === 'too-large' ? code : 'refused'
  return new LiveSocketError(
    kind,
    brief
      ? message
      : explain`The server ${code === 'ended' ? 'has ended' : 'refused'} the topic "${topic}": ${message}`,
    { topic, retryAfter, reason: code },
  )
}
