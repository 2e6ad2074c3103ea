import { describe, expect, inject, it } from 'vitest'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'

const server = inject('fateUrl')
const once = LiveWebSocket.with({ once: true })

/** Our class must do with the same calls what this browser's own WebSocket does. */
const classes = [WebSocket, once] as unknown as (typeof WebSocket)[]

function outcome(run: () => unknown): unknown {
  try {
    return run()
  } catch (thrown) {
    return (thrown as Error).name
  }
}

/** Everything that a socket reports until it is closed, in words. */
function story(
  Class: typeof WebSocket,
  path: string,
  act: (socket: WebSocket) => void,
  protocols?: string[],
): Promise<unknown[]> {
  const socket = protocols ? new Class(`${server}${path}`, protocols) : new Class(`${server}${path}`)
  const told: unknown[] = [`state ${socket.readyState}`]
  return new Promise((resolve) => {
    socket.onopen = () => {
      told.push(`open ${socket.readyState} ${socket.protocol}`)
      act(socket)
    }
    socket.onmessage = ({ data, origin }: MessageEvent) =>
      told.push(`message ${typeof data === 'string' ? data : (data as object).constructor.name} ${origin}`)
    socket.onerror = ({ type }) => told.push(type)
    socket.onclose = ({ code, reason, wasClean }) => {
      told.push(`close ${code} ${reason} ${wasClean} ${socket.readyState}`)
      resolve(told)
    }
  })
}

describe("LiveWebSocket beside this browser's own WebSocket", () => {
  it.each<[string, unknown[]]>([
    ['no URL', ['http://[']],
    ['another scheme', ['ftp://h']],
    ['a fragment', ['ws://h/#f']],
    ['the same subprotocol twice', ['ws://127.0.0.1:9', ['a', 'a']]],
    ['a subprotocol with a space', ['ws://127.0.0.1:9', 'a b']],
  ])('throws the same for %s', (_name, args) => {
    const [native, ours] = classes.map((Class) =>
      outcome(() => new (Class as unknown as new (...args: unknown[]) => object)(...args)),
    )
    expect(ours).toBe(native)
    expect(ours).toBe('SyntaxError')
  })

  it.each(['/live', 'live', '../live?a=b', '//h.test:81/', 'HTTP://h.test/'])(
    'resolves %s on a page to the same url',
    (url) => {
      const [native, ours] = classes.map((Class) => {
        const socket = new Class(url)
        socket.close()
        return socket.url
      })
      expect(ours).toBe(native)
    },
  )

  it.each([999, 1001, 2999, 5000, -1, NaN, 65_536 + 1000])('behaves the same with the close code %d', (code) => {
    const [native, ours] = classes.map((Class) => {
      const socket = new Class(`${server}/hang`)
      const thrown = outcome(() => socket.close(code))
      socket.close()
      return thrown
    })
    expect(ours).toBe(native)
  })

  it.each<[string, string, (socket: WebSocket) => void, string[]?]>([
    [
      'an echo of text, and a close with code and reason',
      '/echo',
      (socket) => {
        socket.addEventListener('message', () => socket.close(4000, 'bye'))
        socket.send('hi')
      },
    ],
    [
      'an echo of bytes as a Blob',
      '/echo',
      (socket) => {
        socket.addEventListener('message', () => socket.close(1000))
        socket.send(new Uint8Array(3))
      },
    ],
    ['a close by the server', '/close?code=4321&reason=enough', (socket) => socket.send('now')],
    ['a close without a code', '/close-without-code', (socket) => socket.send('now')],
    ['a server that vanishes', '/vanish', (socket) => socket.send('now')],
    ['a broken frame', '/break-framing', (socket) => socket.send('now')],
    ['a refusal', '/refuse', () => undefined],
    ['a subprotocol', '/echo', (socket) => socket.close(1000), ['two', 'one']],
    ['a server that selects no subprotocol', '/no-subprotocol', () => undefined, ['one']],
  ])('has the same events for %s', async (_name, path, act, protocols) => {
    const [native, ours] = await Promise.all(classes.map((Class) => story(Class, path, act, protocols)))
    // An unclean end has one code, and no reason that could be compared; whether an error event comes before it is the
    // same too.
    expect(ours).toEqual(native)
  })
})
