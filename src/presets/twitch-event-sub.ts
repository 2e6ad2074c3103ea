import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../foreign/raw.js'
import { firstTime } from './awaited.js'
import { objectIn, section } from './json.js'

/** Milliseconds. Twitch keeps the old connection for this long after `session_reconnect`. */
const DEADLINE = 30_000

/**
 * Twitch EventSub over WebSocket, `wss://eventsub.wss.twitch.tv/ws`. A topic is a subscription type, such as
 * `stream.online`, or `revocation`. A handover goes to the `reconnect_url`, and the subscriptions go with it. After a
 * break they are gone: create them again with the session id, which is the part before the `#` in the `server` of the
 * `leg-ready` event. Tested against the published messages; the server itself is not available for tests.
 */
export function twitchEventSub(): Protocol {
  let legs = 0
  return rawProtocol(() => {
    const first = firstTime()
    return {
      name: 'twitch-eventsub',
      ready(data) {
        const said = read(data)
        if (said?.type !== 'session_welcome') return false
        const { id, keepalive_timeout_seconds: keepalive } = section(said.payload, 'session')
        // A handover must not reach the same server again, and the session's id stays the same over it: the number
        // differs.
        return {
          server: `${String(id)}#${++legs}`,
          ...(typeof keepalive === 'number' ? { heartbeat: keepalive * 1_000 } : null),
        }
      },
      handover(data) {
        const said = read(data)
        if (said?.type !== 'session_reconnect') return false
        const { reconnect_url: url } = section(said.payload, 'session')
        return { reason: 'session_reconnect', deadline: DEADLINE, ...(typeof url === 'string' ? { url } : null) }
      },
      message(data) {
        const said = read(data)
        if (said?.type === 'revocation') return { topic: 'revocation', data: said.payload['subscription'] }
        // Twitch delivers at least once, and names its messages.
        const name = said && nameOf(said.metadata)
        if (said?.type !== 'notification' || (name != null && !first(name))) return null
        return { topic: String(said.metadata['subscription_type']), data: said.payload['event'] }
      },
      identity: (_message, data) => nameOf(read(data)!.metadata),
    }
  })
}

/** A message without a name equals no other. */
function nameOf({ message_id: id }: Record<string, unknown>): string | null {
  return typeof id === 'string' ? id : null
}

function read(data: string | ArrayBuffer) {
  const said = objectIn(data)
  if (!said) return null
  const metadata = section(said, 'metadata')
  return { type: metadata['message_type'], metadata, payload: section(said, 'payload') }
}
