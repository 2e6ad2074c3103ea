import type { Rejected, ServerFrame, TopicAnswers } from './frames.js'

/**
 * The frame with each of its protocol texts passed through `plain`: these texts reach events, state and errors, and
 * some servers repeat what they were sent. The application's data, and the token in a `token` frame, stay as they are.
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
