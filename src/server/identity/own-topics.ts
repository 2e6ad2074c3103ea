import { isOwnTopic, presenceOf } from '../../protocol/own-topics.js'
import type { Permission } from './permission.js'

/**
 * Protects the server's own topics, into which no client may publish. Everyone who may subscribe to a topic may see who
 * is present in it, if the server has presence.
 */
export function guardOwnTopics<User>(permission: Permission<User>, presence: boolean): Permission<User> {
  return async (ask) => {
    if (!isOwnTopic(ask.topic)) return permission(ask)
    const topic = presenceOf(ask.topic)
    if (ask.action === 'subscribe' && topic && presence) return permission({ ...ask, topic })
    return {
      code: 'forbidden',
      message:
        ask.action === 'subscribe' && topic
          ? 'This server has no presence: see the option presence of createLiveServer.'
          : 'Topics whose names begin with livesocket. are the server’s own.',
    }
  }
}
