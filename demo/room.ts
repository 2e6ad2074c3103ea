import { createLiveSocket } from 'livesocket'
import { presence } from 'livesocket/presence'
import type { LiveServerOptions } from 'livesocket/server'
import WebSocket from 'ws'
import { systemClock } from '../src/base/clock.js'
import type { TokenUser } from '../test/kit/token-service.js'
import { createVisitor } from '../test/kit/visitor.js'

export const ROOM = 'room'

/** Members who are always present, even if no page is open. */
const RESIDENTS = ['Mira', 'Tomás', 'Aiko']
const DOING = ['reading', 'writing', 'looking around']

/** Milliseconds that a server works on a request, so that a deploy can fall into that time. */
const WORK = 1_500

/** What each server of the demo shows of its users, and the requests that it answers. */
export function roomOf(id: string): Pick<LiveServerOptions<TokenUser>, 'presence' | 'onRequest'> {
  return {
    presence: ({ user: { subject } }) => ({
      show: { name: RESIDENTS.includes(subject) ? subject : `Guest ${subject.slice(0, 4)}` },
    }),
    onRequest: {
      async work() {
        await new Promise<void>((done) => systemClock.setTimeout(done, WORK))
        return { server: id }
      },
    },
  }
}

/** Connects these members; each updates its data every few seconds. Returns a function that disconnects them. */
export function settle(url: () => string, tokens: string): () => void {
  const leaving = RESIDENTS.map((name, place) => {
    const { getToken } = createVisitor(tokens, name)
    const socket = createLiveSocket({ url, getToken, environment: { WebSocket }, reconnect: { spread: 1_000 } })
    socket.connect()
    const here = presence(socket, ROOM, { data: { doing: DOING[place] }, onError: () => undefined })
    let count = place
    let stop = () => {}
    const next = () => {
      stop = systemClock.setTimeout(
        () => {
          here.update({ doing: DOING[++count % DOING.length] }).catch(() => undefined)
          next()
        },
        4_000 + 1_300 * place,
      )
    }
    next()
    return () => {
      stop()
      socket.close()
    }
  })
  return () => leaving.forEach((leave) => leave())
}
