import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../foreign/raw.js'
import { firstTime } from './awaited.js'
import { objectIn, section } from './json.js'

/** Twitch keeps the old connection for so long after `session_reconnect`. */
const DEADLINE = 30_000

/**
 * Twitch EventSub over WebSocket, `wss://eventsub.wss.twitch.tv/ws`. A topic is a subscription type, such as
 * `stream.online`; `revocation` is one too. A handover goes to the `reconnect_url`, and its subscriptions follow. After
 * a break they are gone: create them anew with the session id, which is what stands before the `#` in `leg-ready`'s
 * `server`. Oracle: the published messages; its server cannot be had.
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
        // The session's id stays the same over a handover, and a server that is the same would not do.
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
        // It delivers at least once, and says which are the same.
        const name = said && nameOf(said.metadata)
        if (said?.type !== 'notification' || (name != null && !first(name))) return null
        return { topic: String(said.metadata['subscription_type']), data: said.payload['event'] }
      },
      identity: (_message, data) => nameOf(read(data)!.metadata),
    }
  })
}

/** What has no name is the same as nothing else. */
function nameOf({ message_id: id }: Record<string, unknown>): string | null {
  return typeof id === 'string' ? id : null
}

function read(data: string | ArrayBuffer) {
  const said = objectIn(data)
  if (!said) return null
  const metadata = section(said, 'metadata')
  return { type: metadata['message_type'], metadata, payload: section(said, 'payload') }
}
