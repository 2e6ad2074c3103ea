import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { fakeWebSockets, type FakeSocket } from './fake-socket.js'
import { toldBy } from './told-events.js'

export type HandFrame = { readonly type: string } & Readonly<Record<string, any>>

/**
 * One leg as its server sees it. The test writes and reads the frames itself, so that no code of this project is
 * between the test and the wire.
 */
export interface HandLeg {
  readonly url: string
  readonly wire: FakeSocket
  /** Every frame that the client sent, in order. */
  readonly said: readonly HandFrame[]
  of(type: string): HandFrame[]
  open(): void
  send(frame: HandFrame): void
  /** Opens the leg and answers its hello: each topic at `offset` of epoch `e`, unless `topics` says otherwise. */
  welcome(fields?: Record<string, unknown>): void
  /** The server closes the leg. */
  end(code?: number, reason?: string): void
  /** The code with which the client has closed the leg; undefined while it is open. */
  readonly closed: number | undefined
}

/**
 * A live socket whose server is the test: every dial waits until the test opens, welcomes or refuses it, on a clock
 * that the test advances. For tests of what goes over a real wire there is `hostile-server.ts`, and the package itself
 * has `src/cli/client-stage.ts` to test other clients.
 */
export function handServed(options: Partial<LiveSocketOptions> = {}) {
  const clock = createSimulatedClock()
  const { WebSocket, sockets } = fakeWebSockets()
  let draw = 0.5
  const socket = createLiveSocket({
    url: 'wss://a.test/live',
    heartbeat: false,
    reconnect: { spread: 1_000 },
    ...options,
    environment: { WebSocket, clock, random: () => draw, ...options.environment },
  })
  const { told } = toldBy(socket)
  const statuses: string[] = []
  socket.store.subscribe(({ status }) => {
    if (statuses.at(-1) !== status) statuses.push(status)
  })

  const legOf = (wire: FakeSocket): HandLeg => {
    const said = () => wire.sent.map((text) => JSON.parse(text as string) as HandFrame)
    const send = (frame: HandFrame) => wire.message(JSON.stringify(frame))
    return {
      url: wire.url,
      wire,
      get said() {
        return said()
      },
      of: (type) => said().filter((frame) => frame.type === type),
      open: () => wire.open('livesocket.v1'),
      send,
      welcome({ server = 's', offset = 5, ...fields } = {}) {
        if (wire.readyState === 0) wire.open('livesocket.v1')
        const { topics } = said()[0] as { topics: Record<string, { offset?: number }> } & HandFrame
        const answers = Object.entries(topics).map(([name, from]) => [
          name,
          { epoch: 'e', offset, after: from.offset ?? offset },
        ])
        send({ type: 'welcome', server, topics: Object.fromEntries(answers) as object, ...fields })
      },
      end: (code = 1006, reason = '') => wire.end(code, reason),
      get closed() {
        return wire.closes[0] && (wire.closes[0].code ?? 1005)
      },
    }
  }

  async function leg(number: number): Promise<HandLeg> {
    await clock.flush()
    const wire = sockets[number - 1]
    if (!wire) throw new Error(`leg ${number} is not dialled; there are ${sockets.length}`)
    return legOf(wire)
  }

  return {
    socket,
    clock,
    statuses,
    told,
    /** The random number for all later draws; at first 0.5. */
    draw: (value: number) => void (draw = value),
    /** The number of dials so far. */
    dials: () => sockets.length,
    /** Leg `number`, counted by dials from 1. Throws if it has not been dialled. */
    leg,
    /** All legs so far. */
    async legs(): Promise<HandLeg[]> {
      await clock.flush()
      return sockets.map(legOf)
    },
    /** Connects and welcomes the first leg. */
    async live(fields?: Record<string, unknown>): Promise<HandLeg> {
      socket.connect()
      const first = await leg(1)
      first.welcome(fields)
      await clock.flush()
      return first
    },
  }
}
