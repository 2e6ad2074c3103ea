import type { Rejected, ServerFrame, TopicAnswers } from './frames.js'

/**
 * The frame with each of its own words passed through `plain`: they reach events, state and errors, and some servers
 * repeat what they were sent. What belongs to the application, and a token that is meant as one, stays as it is.
 */
export function plainFrame<Frame extends ServerFrame | Rejected>(frame: Frame, plain: (text: string) => string): Frame {
  if ('type' in frame && (frame.type === 'message' || frame.type === 'token')) return frame
  const clean = Object.entries(frame).map(([name, value]: [string, unknown]) => {
    if (name === 'topics')
      return [
        name,
        new Map(
          [...(value as TopicAnswers)].map(([topic, answer]) => [topic, { ...answer, epoch: plain(answer.epoch) }]),
        ),
      ]
    return [name, typeof value === 'string' && name !== 'data' ? plain(value) : value]
  })
  return Object.fromEntries(clean) as unknown as Frame
}
