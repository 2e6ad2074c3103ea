import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'
import { until } from '../server/kit.js'
import { happened, liveWebSocket, serverSide } from './stage.js'

const exception = (name: string): unknown => expect.objectContaining({ name })
/** Never dialled. */
const inert = (url = 'ws://h/', protocols?: string | string[]) =>
  new LiveWebSocket(url, protocols, { startClosed: true, WebSocket })

describe('the WebSocket standard on the constructor', () => {
  it.each(['not a url', 'ftp://h/', 'mailto:a@b', 'ws://', 'ws://h/#fragment', 'ws://h/#'])(
    'throws a SyntaxError for the URL %s',
    (url) => {
      expect(() => inert(url)).toThrow(exception('SyntaxError'))
    },
  )

  it.each([
    ['ws://h', 'ws://h/'],
    ['http://h/a?b=1', 'ws://h/a?b=1'],
    ['https://h:8443/', 'wss://h:8443/'],
    [new URL('wss://h/x') as unknown as string, 'wss://h/x'],
  ])('serialises %s as the url %s', (given, url) => {
    expect(inert(given).url).toBe(url)
  })

  it.each([[['a', 'a']], [['a', 'A']], ['a b'], [['']], ['a,b'], ['ä']])(
    'throws a SyntaxError for the subprotocols %o',
    (protocols) => {
      expect(() => inert('ws://h/', protocols)).toThrow(exception('SyntaxError'))
    },
  )
})

describe('the WebSocket standard on invalid calls', () => {
  it.each([
    ['a constructor without a URL', () => new (LiveWebSocket as unknown as new () => object)()],
    ['a constructor without new', () => (LiveWebSocket as unknown as (url: string) => object)('ws://h/')],
    ['a write to readyState', () => Object.assign(inert(), { readyState: 1 })],
    ['a write to url', () => Object.assign(inert(), { url: 'ws://h/' })],
    ['a write to bufferedAmount', () => Object.assign(inert(), { bufferedAmount: 0 })],
  ])('throws a TypeError for %s', (_name, call) => {
    expect(call).toThrow(TypeError)
  })
})

describe('the WebSocket standard on what a socket has', () => {
  it('has the constants on the class and on each socket, and they cannot be changed', () => {
    const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }
    for (const owner of [LiveWebSocket, inert()])
      expect({ CONNECTING: owner.CONNECTING, OPEN: owner.OPEN, CLOSING: owner.CLOSING, CLOSED: owner.CLOSED }).toEqual(
        constants,
      )
    expect(() => Object.assign(LiveWebSocket, { OPEN: 7 })).toThrow(TypeError)
  })

  it('is an EventTarget', () => {
    expect(inert()).toBeInstanceOf(EventTarget)
  })

  it('begins with empty protocol and extensions, binaryType blob, nothing buffered, and no handlers', () => {
    expect(inert()).toMatchObject({
      protocol: '',
      extensions: '',
      binaryType: 'blob',
      bufferedAmount: 0,
      onopen: null,
      onmessage: null,
      onerror: null,
      onclose: null,
    })
  })

  it('accepts blob and arraybuffer as binaryType, and ignores anything else', () => {
    const socket = inert()
    for (const type of ['arraybuffer', 'nodebuffer', 'blob', '']) socket.binaryType = type as BinaryType
    expect(socket.binaryType).toBe('blob')
  })

  it('is CONNECTING until it is open', async () => {
    const { url } = await serverSide()
    const { socket } = liveWebSocket(url)
    expect(socket.readyState).toBe(LiveWebSocket.CONNECTING)
    await happened(socket, 'open')
    expect(socket.readyState).toBe(LiveWebSocket.OPEN)
  })

  it('has the subprotocol that the server selected', async () => {
    const { url } = await serverSide({ handleProtocols: () => 'two' })
    const { socket } = liveWebSocket(url, ['one', 'two'])
    await happened(socket, 'open')
    expect(socket.protocol).toBe('two')
  })

  it('has the extensions that were agreed', async () => {
    const { url } = await serverSide({ perMessageDeflate: true })
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    expect(socket.extensions).toBe('permessage-deflate')
  })
})

describe('the WebSocket standard on handlers and listeners', () => {
  it('calls a handler with the event, and the socket as this and as its target', async () => {
    const { url } = await serverSide()
    const { socket } = liveWebSocket(url)
    const event = await new Promise<Event>((resolve) => {
      socket.onopen = function (this: unknown, opened) {
        expect(this).toBe(socket)
        resolve(opened)
      }
    })
    expect([event.type, event.target]).toEqual(['open', socket])
  })

  it('keeps the position of a handler that is replaced, and removes one that is set to null or to a value that is not a function', () => {
    const socket = inert()
    const calls: string[] = []
    socket.onopen = () => calls.push('first')
    socket.addEventListener('open', () => calls.push('listener'))
    socket.onopen = () => calls.push('second')
    socket.dispatchEvent(new Event('open'))
    socket.onopen = 7 as unknown as null
    expect(socket.onopen).toBe(null)
    socket.dispatchEvent(new Event('open'))
    expect(calls).toEqual(['second', 'listener', 'listener'])
  })

  it('supports once, signal and objects with handleEvent, and adds a listener only once', () => {
    const socket = inert()
    let calls = 0
    const count = () => void calls++
    const abort = new AbortController()
    socket.addEventListener('open', count)
    socket.addEventListener('open', count)
    socket.addEventListener('open', { handleEvent: count }, { once: true })
    socket.addEventListener('open', () => calls++, { signal: abort.signal })
    socket.dispatchEvent(new Event('open'))
    abort.abort()
    socket.removeEventListener('open', count)
    socket.dispatchEvent(new Event('open'))
    expect(calls).toBe(3)
  })
})

describe('the WebSocket standard on messages', () => {
  it('delivers text as a string, with the origin of the server', async () => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    sockets[0]!.send('grüezi')
    expect(await happened(socket, 'message')).toMatchObject({ data: 'grüezi', origin: url.slice(0, -1) })
  })

  it('its events neither bubble nor can be cancelled', async () => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url, [], { once: true })
    const events = Promise.all((['open', 'message', 'close'] as const).map((type) => happened(socket, type)))
    await happened(socket, 'open')
    sockets[0]!.send('hi')
    sockets[0]!.close()
    for (const event of await events) expect(event).toMatchObject({ bubbles: false, cancelable: false })
    expect((await events)[1]).toMatchObject({ lastEventId: '', ports: [] })
  })

  it('applies a new binaryType to the next message, and keeps it over breaks', async () => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    const next = async (at: number) => {
      const message = happened(socket, 'message')
      sockets[at]!.send(Buffer.from([1]))
      return ((await message) as MessageEvent).data as unknown
    }
    expect(await next(0)).toBeInstanceOf(Blob)
    socket.binaryType = 'arraybuffer'
    expect(await next(0)).toBeInstanceOf(ArrayBuffer)
    sockets[0]!.terminate()
    await happened(socket, 'open')
    expect([socket.binaryType, await next(1)]).toEqual(['arraybuffer', expect.any(ArrayBuffer)])
  })

  it('delivers nothing after close()', async () => {
    const { url, sockets } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    await happened(socket, 'open')
    sockets[0]!.send('late')
    socket.close()
    await happened(socket, 'close')
    expect(told).toEqual(['open', 'close 1000  clean'])
  })

  it('sends bytes as they were at the call of send()', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    const bytes = new Uint8Array([1, 2])
    socket.send(new Blob(['a blob goes first']))
    socket.send(bytes)
    socket.send(bytes.buffer)
    bytes.fill(9)
    await until(() => received.length === 3, 'all of it')
    expect(received.slice(1)).toEqual([Buffer.from([1, 2]), Buffer.from([1, 2])])
  })

  it('reports a Blob that cannot be read in an error event, and continues', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    const gone = new Blob(['gone'])
    gone.arrayBuffer = () => Promise.reject(new DOMException('the file is gone', 'NotReadableError'))
    const error = happened(socket, 'error')
    socket.send(gone)
    socket.send('behind it')
    expect(await error).toMatchObject({ message: expect.stringContaining('the file is gone') as string })
    await until(() => received.length === 1, 'what came behind it')
    expect([received, socket.bufferedAmount]).toEqual([['behind it'], 0])
  })

  it.each([
    ['blob', Blob],
    ['arraybuffer', ArrayBuffer],
  ] as const)('gives binary as %s', async (binaryType, Kind) => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url)
    socket.binaryType = binaryType
    await happened(socket, 'open')
    sockets[0]!.send(Buffer.from([1, 2]))
    const { data } = (await happened(socket, 'message')) as MessageEvent
    expect(data).toBeInstanceOf(Kind)
    expect(new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : (data as ArrayBuffer))).toEqual(
      new Uint8Array([1, 2]),
    )
  })

  it('delivers bytes if no Blob can be made of them, as in React Native', async () => {
    class Poor {
      constructor(parts: unknown[]) {
        if (parts.some((part) => part instanceof ArrayBuffer)) throw new Error('not supported')
      }
    }
    vi.stubGlobal('Blob', Poor)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    sockets[0]!.send(Buffer.from([1, 2]))
    expect(((await happened(socket, 'message')) as MessageEvent).data).toEqual(new Uint8Array([1, 2]).buffer)
  })

  it('sends text, ArrayBuffers, views and Blobs, in order, and anything else as its text', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    const bytes = new Uint8Array([0, 1, 2, 3])
    socket.send('text')
    socket.send(new Blob([bytes]))
    socket.send(bytes.subarray(1, 3))
    socket.send(bytes.buffer)
    socket.send({ toString: () => 'object' } as unknown as string)
    await until(() => received.length === 5, 'all of it')
    expect(received).toEqual(['text', Buffer.from(bytes), Buffer.from([1, 2]), Buffer.from(bytes), 'object'])
  })

  it('throws an InvalidStateError for a send before it is open, and a TypeError without an argument', async () => {
    const { url } = await serverSide()
    const { socket } = liveWebSocket(url, [], { once: true })
    expect(() => socket.send('early')).toThrow(exception('InvalidStateError'))
    expect(() => (socket.send as () => void)()).toThrow(TypeError)
  })

  it('has nothing buffered once everything is sent', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    socket.send('12345')
    expect(socket.bufferedAmount).toBe(5)
    await until(() => received.length === 1 && socket.bufferedAmount === 0, 'sent')
  })

  it('does not count in bufferedAmount what a continuing socket has given up', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url, [], { maxEnqueuedMessages: 1 })
    socket.send('1')
    socket.send('refused')
    await until(() => received.length === 1 && socket.bufferedAmount === 0, 'the first')
    socket.close()
    await happened(socket, 'close')
    socket.send('too late')
    expect(socket.bufferedAmount).toBe(8)
    socket.reconnect()
    await happened(socket, 'open')
    expect(socket.bufferedAmount).toBe(0)
  })

  it('counts in bufferedAmount what was not sent, and continues to count after the close', async () => {
    const { url } = await serverSide()
    const { socket } = liveWebSocket(url, [], { once: true })
    await happened(socket, 'open')
    socket.close()
    await happened(socket, 'close')
    socket.send('four')
    socket.send('ü')
    expect(socket.bufferedAmount).toBe(6)
  })
})

describe('the WebSocket standard on closing', () => {
  it.each([0, 999, 1001, 1005, 1006, 2999, 5000, NaN, -1, 70_000])(
    'throws an InvalidAccessError for the code %d',
    (code) => {
      expect(() => inert().close(code)).toThrow(exception('InvalidAccessError'))
    },
  )

  it.each([
    [1000.4, 1000],
    [2999.5, 3000],
    ['4000', 4000],
  ])('treats the code %o as %d', async (given, code) => {
    const { url, closes } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    socket.close(given as number)
    await until(() => closes.length === 1, 'the close')
    expect(closes).toEqual([{ code, reason: '' }])
  })

  it('throws a SyntaxError for a reason over 123 bytes of UTF-8, and takes one of 123', () => {
    expect(() => inert().close(1000, 'ü'.repeat(62))).toThrow(exception('SyntaxError'))
    inert().close(1000, 'x'.repeat(123))
  })

  it.each([
    [1000, 'bye'],
    [3000, ''],
    [4999, 'ours'],
  ])('sends the server %d %s, is CLOSING, then CLOSED with a clean close event', async (code, reason) => {
    const { url, closes } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    await happened(socket, 'open')
    socket.close(code, reason)
    expect(socket.readyState).toBe(LiveWebSocket.CLOSING)
    await happened(socket, 'close')
    expect([socket.readyState, closes, told]).toEqual([
      LiveWebSocket.CLOSED,
      [{ code, reason }],
      ['open', `close ${code} ${reason} clean`],
    ])
  })

  it('does nothing when it is closed twice', async () => {
    const { url } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    await happened(socket, 'open')
    socket.close()
    socket.close(4000)
    await happened(socket, 'close')
    socket.close()
    expect(told).toEqual(['open', 'close 1000  clean'])
  })

  it('has an error and an unclean close with 1006 when it is closed before it is open', async () => {
    const { url, sockets } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    socket.close()
    expect(socket.readyState).toBe(LiveWebSocket.CLOSING)
    await happened(socket, 'close')
    expect([told, socket.readyState]).toEqual([['error', 'close 1006 '], 3])
    expect(sockets).toEqual([])
  })

  it('reports the close code and the reason of the server', async () => {
    const { url, sockets } = await serverSide()
    const { socket, told } = liveWebSocket(url, [], { once: true })
    await happened(socket, 'open')
    sockets[0]!.close(4321, 'enough')
    await happened(socket, 'close')
    expect([told, socket.readyState]).toEqual([['open', 'close 4321 enough clean'], 3])
  })

  it('has an unclean close with 1006 when the connection breaks', async () => {
    const { url, sockets } = await serverSide()
    const { socket, told } = liveWebSocket(url, [], { once: true })
    await happened(socket, 'open')
    sockets[0]!.terminate()
    await happened(socket, 'close')
    expect(told).toEqual(['open', 'close 1006 '])
  })

  it('has an error and an unclean close with 1006 when it cannot be opened, and stays closed with the option `once`', async () => {
    const { url, server } = await serverSide({ verifyClient: () => false })
    const { socket, told } = liveWebSocket(url, [], { once: true })
    await happened(socket, 'close')
    expect([told, socket.readyState, server.clients.size]).toEqual([['error', 'close 1006 '], 3, 0])
  })

  it('sends everything that it has accepted before it closes', async () => {
    const { url, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    await happened(socket, 'open')
    socket.send(new Blob(['one']))
    socket.send('two')
    socket.close()
    await happened(socket, 'close')
    expect(received).toEqual([Buffer.from('one'), 'two'])
  })
})
