import type { Publisher } from './publishes/publisher.js'
import type { Answerer } from './requests/answerer.js'
import { traceAnswer, type Tracing } from './tracing.js'

/** Runs each publish in a span of its own. */
export function tracedPublisher<User>(publish: Publisher<User>, tracing: Tracing | undefined): Publisher<User> {
  if (!tracing) return publish
  return (publishing, next) => {
    const { frame, session } = publishing
    const span = tracing.begin('livesocket.publish', {
      'livesocket.topic': frame.topic,
      'livesocket.session': session,
      'livesocket.repeat': frame.age !== undefined,
    })
    return traceAnswer(span, () => publish(publishing, next))
  }
}

/** Runs each request in a span of its own. */
export function tracedAnswerer<User>(answer: Answerer<User>, tracing: Tracing | undefined): Answerer<User> {
  if (!tracing) return answer
  return (frame, who, controller) => {
    const span = tracing.begin('livesocket.request', {
      'livesocket.method': frame.method,
      'livesocket.session': who.session,
    })
    return traceAnswer(span, () => answer(frame, who, controller))
  }
}
