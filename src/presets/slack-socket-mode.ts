import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../foreign/raw.js'
import { firstTime } from './awaited.js'
import { objectIn, section } from './json.js'

/** Milliseconds. A refresh is announced about ten seconds ahead. */
const DEADLINE = 10_000

/**
 * Slack's Socket Mode. A topic is an envelope's type: `events_api`, `interactive`, `slash_commands`. Each envelope is
 * acknowledged at once on the leg that brought it. Let `url` be a function that calls `apps.connections.open`, because
 * every dial needs a fresh URL. Tested against the published messages; the server itself is not available for tests.
 */
export function slackSocketMode(): Protocol {
  return rawProtocol(() => {
    const first = firstTime()
    return {
      name: 'slack-socket-mode',
      ready(data) {
        const said = objectIn(data)
        if (said?.['type'] !== 'hello') return false
        const { host } = section(said, 'debug_info')
        return typeof host === 'string' ? { server: host } : true
      },
      handover(data) {
        const said = objectIn(data)
        const reason = said?.['type'] === 'disconnect' ? said['reason'] : null
        return (reason === 'warning' || reason === 'refresh_requested') && { reason, deadline: DEADLINE }
      },
      reply(data) {
        const id = objectIn(data)?.['envelope_id']
        return typeof id === 'string' ? JSON.stringify({ envelope_id: id }) : null
      },
      message(data) {
        const said = objectIn(data)
        // An envelope that was not acknowledged in time comes again in another envelope.
        return typeof said?.['envelope_id'] === 'string' && first(nameOf(said))
          ? { topic: String(said['type']), data: said['payload'] }
          : null
      },
      identity: (_message, data) => nameOf(objectIn(data)!),
    }
  })
}

function nameOf(said: Record<string, unknown>): string {
  const { event_id: event } = section(said, 'payload')
  return String(event ?? said['envelope_id'])
}
