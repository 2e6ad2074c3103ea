import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { RawFrame } from '../kit/raw-client.js'

type Frames = object[]

/** What the server behind the wrapper hides, and the rate at which it asks legs to hand over. */
export const HIDDEN = 'for nobody here'
export const RATE = 100

/** One connection through the wrapper. */
export interface Through {
  /** The hello that the client sent. */
  hello?: RawFrame
  /** For the defect's own use. */
  note: Record<string, unknown>
  toClient(frame: object): void
  toServer(frame: object): void
  close(code: number, reason?: string): void
  /** The session's other connections. */
  others(): Through[]
}

export interface Defect {
  readonly name: string
  readonly subprotocol?: string
  /** What goes to the server in place of a frame from the client. */
  up?(frame: RawFrame, through: Through): Frames
  /** What goes to the client in place of a frame from the server. */
  down?(frame: RawFrame, through: Through): Frames
  /** Text that is sent to the client before each frame from the server. */
  readonly garbage?: string
  /** The close code that the client sees if the server closed with this one; null: no close at all. */
  closed?(code: number, through: Through): number | null
}

const is =
  (type: string, change: (frame: RawFrame, through: Through) => Frames) => (frame: RawFrame, through: Through) =>
    frame.type === type ? change(frame, through) : [frame]
const answers = (change: (answer: { epoch: string; offset: number; after: number }) => object) => (frame: RawFrame) =>
  frame.type === 'welcome' || frame.type === 'subscribed'
    ? [
        {
          ...frame,
          topics: Object.fromEntries(
            Object.entries(frame['topics'] as Record<string, never>).map(([name, answer]) => [name, change(answer)]),
          ),
        },
      ]
    : [frame]
/** Counts the frames of that kind on a connection: 1 for the first. */
const nth = (through: Through, kind: string) =>
  (through.note[kind] = ((through.note[kind] as number | undefined) ?? 0) + 1) as number
const nothing: Frames = []
/** A message that only advances the position. */
const isHiding = (frame: RawFrame) => frame.type === 'message' && !('data' in frame)
const asking: (() => void)[] = []

/** Servers that break one rule each, made by a wrapper around one that keeps them all. */
export const defects: readonly (Defect & { finds: string })[] = [
  { name: 'selects another subprotocol', finds: 'selects the subprotocol', subprotocol: 'other.protocol' },
  {
    name: 'closes on an unknown frame type',
    finds: 'ignores frames',
    up: is('of-tomorrow', (_frame, through) => (through.close(1002), nothing)),
  },
  { name: 'never answers a ping', finds: 'ignores frames', down: is('pong', () => nothing) },
  {
    name: 'does not name itself',
    finds: 'names the server',
    down: is('welcome', ({ server: _, ...frame }) => [frame]),
  },
  {
    name: 'leaves a topic out of its welcome',
    finds: 'names the server',
    down: is('welcome', (frame) => [
      { ...frame, topics: Object.fromEntries(Object.entries(frame['topics'] as object).slice(1)) },
    ]),
  },
  {
    name: 'starts a topic without a position before the head',
    finds: 'starts `{}` at the head',
    down: answers((answer) => ({ ...answer, after: Math.max(0, answer.after - 1) })),
  },
  {
    name: 'names a head that is too high',
    finds: 'starts `{}` at the head',
    down: answers((answer) => ({ ...answer, offset: answer.offset + 1 })),
  },
  {
    name: 'serves before the hello',
    finds: 'accepts nothing before the hello',
    up: (frame, through) =>
      frame['id'] === 'early' && frame.type === 'publish'
        ? (through.toClient({ type: 'ack', id: 'early', offset: 1 }), nothing)
        : [frame],
  },
  {
    name: 'loses one message of a replay',
    finds: 'replays from a position',
    down: is('message', (frame, through) => (nth(through, 'm') === 2 ? nothing : [frame])),
  },
  {
    name: 'repeats one message',
    finds: 'numbers a topic',
    down: is('message', (frame, through) => (nth(through, 'm') === 2 ? [frame, frame] : [frame])),
  },
  {
    name: 'swaps two messages',
    finds: 'numbers a topic',
    down: is('message', (frame, through) => {
      const count = nth(through, 'm')
      if (count === 2) return ((through.note['kept'] = frame), nothing)
      return count === 3 ? [frame, through.note['kept'] as object] : [frame]
    }),
  },
  {
    name: 'names a wrong prev',
    finds: 'numbers a topic',
    down: is('message', (frame) => [{ ...frame, prev: 0 }]),
  },
  {
    name: 'changes published data',
    finds: 'numbers a topic',
    down: is('message', (frame) => [{ ...frame, data: String(frame['data']) }]),
  },
  {
    name: 'sends a message before the welcome that names its topic',
    finds: 'replays from a position',
    down: (frame, through) => {
      if (frame.type === 'welcome')
        return (
          (through.note['welcome'] = frame),
          Object.keys(frame['topics'] as object).length > 0 ? nothing : ((through.note['told'] = true), [frame])
        )
      if (through.note['welcome'] && !through.note['told'])
        return ((through.note['told'] = true), [frame, through.note['welcome'] as object])
      return [frame]
    },
    up: (frame, through) => {
      if (frame.type !== 'hello') {
        // Without a replay the welcome is sent together with the first frame from the client.
        if (through.note['welcome'] && !through.note['told'])
          (through.note['told'] = true), through.toClient(through.note['welcome'] as object)
        return [frame]
      }
      setTimeout(
        () =>
          through.note['welcome'] &&
          !through.note['told'] &&
          ((through.note['told'] = true), through.toClient(through.note['welcome'] as object)),
        30,
      )
      return [frame]
    },
  },
  {
    name: 'loses messages between replay and live',
    finds: 'loses nothing between',
    down: (frame, through) => {
      const asked = Object.values((through.hello?.['topics'] ?? {}) as Record<string, { offset?: number }>)[0]?.offset
      return frame.type === 'message' && asked === 0 && nth(through, 'm') === 60 ? nothing : [frame]
    },
  },
  {
    name: 'answers a position of an unknown epoch with its head',
    finds: 'under an epoch that it does not know',
    up: is('hello', (frame) => [
      {
        ...frame,
        topics: Object.fromEntries(
          Object.entries(frame['topics'] as Record<string, { epoch?: string }>).map(([name, ask]) => [
            name,
            ask.epoch === 'of-another-log' ? {} : ask,
          ]),
        ),
      },
    ]),
  },
  {
    name: 'answers a subscribe without its id',
    finds: 'answers a later subscribe',
    down: is('subscribed', ({ id: _, ...frame }) => [frame]),
  },
  {
    name: 'ignores a repeated subscribe',
    finds: 'replaces a subscription',
    up: is('subscribe', (frame, through) =>
      frame['id'] === 'again'
        ? (through.toClient({ type: 'subscribed', id: 'again', topics: { ...(frame['topics'] as object) } }), nothing)
        : [frame],
    ),
  },
  { name: 'goes on after an unsubscribe', finds: 'sends nothing of a topic', up: is('unsubscribe', () => nothing) },
  {
    name: 'leaves a publish unanswered',
    finds: 'applies publishes one at a time',
    down: is('ack', (frame, through) => (nth(through, 'a') === 30 ? nothing : [frame])),
  },
  {
    name: 'answers publishes out of order',
    finds: 'applies publishes one at a time',
    down: is('ack', (frame, through) => {
      const count = nth(through, 'a')
      if (count === 20) return ((through.note['ack'] = frame), nothing)
      return count === 21 ? [frame, through.note['ack'] as object] : [frame]
    }),
  },
  {
    name: 'gives an ack without an offset',
    finds: 'starts `{}` at the head',
    down: is('ack', ({ offset: _, ...frame }) => [frame]),
  },
  {
    name: 'applies a repeat again',
    finds: 'applies an id once on a leg',
    up: is('publish', (frame, through) => [
      nth(through, String(frame['id'])) === 2
        ? { ...frame, id: `${String(frame['id'])}-again`, age: undefined, n: undefined }
        : frame,
    ]),
    down: is('ack', (frame) => [{ ...frame, id: String(frame['id']).replace('-again', '') }]),
  },
  {
    name: 'recognises a repeat only on the same leg',
    finds: "applies an id once on all of a session's legs",
    up: is('publish', (frame, through) => [
      through.hello?.['leg'] === 2
        ? { ...frame, id: `${String(frame['id'])}-leg2`, age: undefined, n: undefined }
        : frame,
    ]),
    down: is('ack', (frame) => [{ ...frame, id: String(frame['id']).replace('-leg2', '') }]),
  },
  {
    name: 'refuses a repeat',
    finds: 'applies an id once on a leg',
    up: is('publish', (frame, through) =>
      nth(through, String(frame['id'])) === 2
        ? (through.toClient({ type: 'nack', id: frame['id'], code: 'duplicate', message: '' }), nothing)
        : [frame],
    ),
  },
  {
    name: 'mixes up the ids of different sessions',
    finds: 'treats the same id in two sessions',
    down: is('ack', (frame) => [frame['id'] === 'same' ? { ...frame, offset: 1 } : frame]),
  },
  {
    name: 'ignores the numbers of publishes',
    finds: 'does not apply a publish that comes after',
    up: is('publish', ({ n: _, ...frame }) => [frame]),
  },
  {
    name: 'applies a first copy that comes after its repeat',
    finds: 'does not apply a first copy',
    up: is('publish', ({ n, ...frame }) => [
      frame['id'] === 'late' && frame['age'] === undefined ? { ...frame, id: 'late-first' } : { ...frame, n },
    ]),
    down: is('ack', (frame) => [{ ...frame, id: String(frame['id']).replace('-first', '') }]),
  },
  {
    name: 'takes a first copy for one that cannot have been sent before',
    finds: 'answers outcome-unknown on a leg from before',
    up: is('publish', ({ n, ...frame }) => [frame['id'] === 'first copy' ? frame : { ...frame, n }]),
  },
  {
    name: 'applies a repeat of any age',
    finds: 'answers outcome-unknown if',
    up: is('publish', ({ age: _, ...frame }) => [frame]),
  },
  {
    name: 'closes the older leg when a newer one comes',
    finds: "leaves a session's older leg alive",
    up: is('hello', (frame, through) => (through.others().forEach((other) => other.close(4001, 'newer')), [frame])),
  },
  {
    name: 'gives each leg an epoch of its own',
    finds: "leaves a session's older leg alive",
    down: (frame, through) =>
      answers((answer) => ({ ...answer, epoch: `${answer.epoch}-${String(through.hello?.['leg'])}` }))(frame),
  },
  {
    name: 'accepts a leg that is not the newest',
    finds: 'refuses a leg that is not above',
    up: is('hello', (frame) => [{ ...frame, session: `${String(frame['session'])}-${Math.random()}` }]),
  },
  {
    name: 'closes a superseded leg with 1000',
    finds: 'refuses a leg that is not above',
    closed: (code) => (code === 4001 ? 1000 : code),
  },
  {
    name: 'closes a wrong token with 1008',
    finds: 'answers a wrong token',
    closed: (code) => (code === 3000 ? 1008 : code),
  },
  { name: 'ignores a fresh token', finds: 'accepts a fresh token', up: is('auth', () => nothing) },
  {
    name: 'asks to hand over without a deadline',
    finds: 'asks a leg to hand over',
    down: is('handover', ({ deadline: _, ...frame }) => [frame]),
  },
  { name: 'sends text that is no frame', finds: 'sends only frames', garbage: 'hello!' },
  {
    name: 'asks all legs to hand over at once',
    finds: 'paces its requests',
    down: is('handover', (frame, through) => {
      // By then every leg has been asked.
      asking.push(() => through.toClient(frame))
      if (asking.length === 1) setTimeout(() => asking.splice(0).forEach((ask) => ask()), 800)
      return nothing
    }),
  },
  {
    name: 'sends a message of a new epoch before naming the epoch',
    finds: 'announces a new epoch',
    down: (frame, through) => {
      if (frame.type === 'subscribed' && frame['id'] === undefined) return ((through.note['told'] = frame), nothing)
      const told = frame.type === 'message' ? (through.note['told'] as object | undefined) : undefined
      delete through.note['told']
      return told ? [frame, told] : [frame]
    },
  },
  {
    name: 'starts a new epoch without naming it',
    finds: 'announces a new epoch',
    down: (frame) => (frame.type === 'subscribed' && frame['id'] === undefined ? nothing : [frame]),
  },
  {
    name: 'names the old epoch in place of the new one',
    finds: 'announces a new epoch',
    down: (frame) =>
      frame.type === 'subscribed' && frame['id'] === undefined
        ? answers((answer) => ({ ...answer, epoch: 'as before' }))(frame)
        : [frame],
  },
  {
    name: 'loses the first message of the new epoch',
    finds: 'announces a new epoch',
    down: (frame) => (frame.type === 'message' && frame['data'] === 'the first' ? nothing : [frame]),
  },
  {
    name: 'shows a hidden message on one leg',
    finds: 'hides the same on all legs',
    down: (frame, through) =>
      isHiding(frame) && through.hello?.['leg'] === 2 ? [{ ...frame, data: HIDDEN }] : [frame],
  },
  {
    name: 'does not advance positions past hidden messages',
    finds: 'hides the same on all legs',
    down: (frame) => (isHiding(frame) ? nothing : [frame]),
  },
  {
    name: 'hides more on one leg than on the other',
    finds: 'hides the same on all legs',
    down: (frame, through) =>
      frame.type === 'message' && frame['data'] === 2 && through.hello?.['leg'] === 1
        ? (({ data: _, ...rest }) => [rest])(frame)
        : [frame],
  },
  {
    name: 'names a hidden message as prev',
    finds: 'hides the same on all legs',
    down: is('message', ({ prev: _, ...frame }) => [frame]),
  },
  {
    name: 'ends a replay without advancing past the hidden messages at its end',
    finds: 'advances the position past',
    down: (frame, through) => (isHiding(frame) && through.hello?.['leg'] === 3 ? nothing : [frame]),
  },
  {
    name: 'refuses new clients during a drain without saying why',
    finds: 'accepts no new hello',
    down: is('error', (frame) => (frame['code'] === 'draining' ? nothing : [frame])),
  },
  {
    name: 'welcomes a client that connected before the drain and says hello during it',
    finds: 'accepts no new hello',
    // The hello may be on its way when the refusal comes, so it is welcomed in either order.
    down(frame, through) {
      if (frame.type === 'welcome') through.note['welcomed'] = true
      if (frame.type !== 'error' || frame['code'] !== 'draining' || through.note['welcomed']) return [frame]
      through.note['late'] = true
      return through.hello ? [{ type: 'welcome', server: 'drained', topics: {} }] : nothing
    },
    closed: (code, through) => (through.note['late'] ? null : code),
    up: (frame, through) =>
      through.note['late'] && frame.type === 'hello'
        ? (through.toClient({ type: 'welcome', server: 'drained', topics: {} }), nothing)
        : [frame],
  },
  {
    name: 'sends nothing once it drains',
    finds: 'serves an asked leg in full',
    down: (frame, through) =>
      frame.type === 'handover' ? ((through.note['deaf'] = true), [frame]) : through.note['deaf'] ? nothing : [frame],
  },
  {
    name: 'closes a leg as soon as it has asked it to hand over',
    finds: 'closes with 1012 after the deadline',
    down: is('handover', (frame, through) => (setTimeout(() => through.close(1012), 200), [frame])),
  },
  {
    name: 'closes with 1001 at the deadline',
    finds: 'closes with 1012 after the deadline',
    closed: (code) => (code === 1012 ? 1001 : code),
  },
]

/** Breaks every slow rule. */
export const slowDefect: Defect = {
  name: 'waits for a hello for ever, and is silent',
  down: is('pong', () => nothing),
  closed: (code) => (code === 3008 ? null : code),
}

/** The server at `target`, behind that defect. */
export async function defective(target: string, { subprotocol, up, down, garbage, closed }: Defect) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    handleProtocols: (offered) => subprotocol ?? (offered.has('livesocket.v1') ? 'livesocket.v1' : false),
  })
  await once(server, 'listening')
  const all = new Set<Through>()
  server.on('connection', (near) => {
    const far = new WebSocket(target, ['livesocket.v1'], { perMessageDeflate: false })
    const waiting: string[] = []
    const upward = (text: string) => (far.readyState === WebSocket.OPEN ? far.send(text) : waiting.push(text))
    const through: Through = {
      note: {},
      toClient: (frame) => near.readyState === WebSocket.OPEN && near.send(JSON.stringify(frame)),
      toServer: (frame) => void upward(JSON.stringify(frame)),
      close: (code, reason) => near.close(code, reason),
      others: () =>
        [...all].filter((other) => other !== through && other.hello?.['session'] === through.hello?.['session']),
    }
    all.add(through)
    near.on('message', (data: Buffer) => {
      let frame: RawFrame
      try {
        frame = JSON.parse(String(data)) as RawFrame
      } catch {
        return void upward(String(data))
      }
      if (typeof frame?.type !== 'string') return void upward(String(data))
      if (frame.type === 'hello') through.hello = frame
      for (const one of up ? up(frame, through) : [frame]) through.toServer(one)
    })
    far.on('open', () => waiting.splice(0).forEach((text) => far.send(text)))
    far.on('message', (data: Buffer) => {
      const frame = JSON.parse(String(data)) as RawFrame
      if (garbage !== undefined && near.readyState === WebSocket.OPEN) near.send(garbage)
      for (const one of down ? down(frame, through) : [frame]) through.toClient(one)
    })
    far.on('error', () => near.terminate())
    far.on('close', (code, reason) => {
      const seen = closed ? closed(code, through) : code
      if (seen === null) return
      if (seen === 1005 || seen === 1006) near.terminate()
      else near.close(seen, reason)
    })
    near.on('error', () => undefined)
    near.on('close', () => {
      all.delete(through)
      far.terminate()
    })
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}
